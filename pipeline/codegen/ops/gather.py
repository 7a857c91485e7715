"""GATHER."""

from __future__ import annotations

import math

import numpy as np

from pipeline.codegen.dtypes import CTYPES
from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.codegen.ops.move import check_moved, moved_elements
from pipeline.convert.graph import Graph, Op


def _dimensions(graph: Graph, op: Op) -> tuple[int, int]:
    """(axis, batch dimensions), both from 0 up."""
    data, indices = tensor(graph, op, 0), tensor(graph, op, 1)
    axis, batch = int(op.options.get("axis", 0)), int(op.options.get("batch_dims", 0))
    return (
        axis + len(data.shape) if axis < 0 else axis,
        batch + len(indices.shape) if batch < 0 else batch,
    )


def _check(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 2) or check_moved(graph, op, [0])
    if problem:
        return problem
    data, indices, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    if indices.dtype != "int32":
        return f"{indices.dtype} indices", "use int32 indices"
    axis, batch = _dimensions(graph, op)
    if not 0 <= batch <= axis < len(data.shape) or batch > len(indices.shape):
        return f"axis {axis} of {len(data.shape)} dimensions", common.BROKEN
    if data.shape[:batch] != indices.shape[:batch]:
        return "batches of different shapes", common.BROKEN
    shape = data.shape[:axis] + indices.shape[batch:] + data.shape[axis + 1 :]
    if result.shape != shape:
        return f"output of shape {list(result.shape)}", common.BROKEN
    if indices.data is not None and (
        np.any(indices.data < 0) or np.any(indices.data >= data.shape[axis])
    ):
        return "an index beyond the data", common.BROKEN
    return None


def _lower(site: Site) -> Code:
    graph, op = site.graph, site.op
    data, indices = tensor(graph, op, 0), tensor(graph, op, 1)
    axis, batch = _dimensions(graph, op)
    size = np.dtype(data.dtype).itemsize
    params = Initializer(
        "gather_t",
        {
            "batches": math.prod(data.shape[:batch]),
            "outer": math.prod(data.shape[batch:axis]),
            "size": data.shape[axis],
            "count": math.prod(indices.shape[batch:]),
            "block": math.prod(data.shape[axis + 1 :]) * size,
        },
    )
    return Code(
        function="gather",
        body=f"{params.declare()}\n"
        f"gather(&params, {site.input(0)}, {site.input(1)}, {site.output()});",
        files=("kernels.h", "requantize.h", "portable/gather.c"),
    )


SUPPORT = (
    Support(
        name="GATHER",
        dtypes=tuple(CTYPES),
        kernels=[Portable(_lower, moved_elements)],
        check=_check,
        notes="int32 indices, constant or computed",
        versions=(1, 8),
    ),
)
