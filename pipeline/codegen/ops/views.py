"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same memory under another shape, no code."""

from __future__ import annotations

from pipeline.codegen.dtypes import CTYPES, bytes_of
from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.convert.graph import Graph, Op


def _check(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 1, 2)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    if data.dtype != result.dtype or data.dtype not in CTYPES:
        return f"{data.dtype} data", common.REQUANTISE
    return common.first(common.same_shape(data, result), common.same_quantisation(data, result))


def _lower(site: Site) -> Code:
    """A copy, where the source is a constant or state and can't be shared."""
    size = bytes_of(common.output(site.graph, site.op))
    params = Initializer(
        "copy_t", {"size": 1, "rank": 1, "extent": (size,), "from": (1,), "to": (1,)}
    )
    return Code(
        function="copy_nd",
        body=f"{params.declare()}\ncopy_nd(&params, {site.input(0)}, {site.output()});",
        files=("kernels.h", "portable/copy_nd.c"),
    )


SUPPORT = tuple(
    Support(
        name=name,
        dtypes=tuple(CTYPES),
        kernels=[Portable(_lower, lambda graph, op: 0.0)],
        check=_check,
        notes="no copy",
        versions=(1, 3),
        view=True,
    )
    for name in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
)
