"""BATCH_MATMUL."""

from __future__ import annotations

from typing import Any

from pipeline.codegen.broadcast import broadcast_shape, broadcast_t
from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import quantize_multiplier, scale_of, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.convert.graph import Graph, Op
from pipeline.convert.statistics import macs


def matrices(graph: Graph, op: Op) -> tuple[tuple[int, int], tuple[int, int]]:
    """(rows, depth) of a and (depth, columns) of b, as multiplied."""
    a, b = tensor(graph, op, 0).shape[-2:], tensor(graph, op, 1).shape[-2:]
    left = (a[1], a[0]) if op.options.get("adj_x") else (a[0], a[1])
    right = (b[1], b[0]) if op.options.get("adj_y") else (b[0], b[1])
    return left, right


def check_shapes(graph: Graph, op: Op) -> Problem:
    """All but types and quantisation."""
    problem = common.arity(op, 2)
    if problem:
        return problem
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    if not 2 <= len(a.shape) <= 5 or not 2 <= len(b.shape) <= 5:
        return f"{max(len(a.shape), len(b.shape))} dimensions, 2 to 5 run", common.TFLM
    batches = broadcast_shape(a.shape[:-2], b.shape[:-2])
    (rows, depth), (other, columns) = matrices(graph, op)
    if batches is None or depth != other or result.shape != (*batches, rows, columns):
        return f"shapes {list(a.shape)} and {list(b.shape)}", common.BROKEN
    return None


def _check(graph: Graph, op: Op) -> Problem:
    problem = check_shapes(graph, op)
    if problem:
        return problem
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.alike(a, b, result)
    if problem or a.dtype == "int8":
        return problem
    if scaling(graph, op)[1] > 7:  # requantize_wide()
        return "an output scale far below the input's", common.REQUANTISE
    return None


def scaling(graph: Graph, op: Op) -> tuple[int, int]:
    """(multiplier, shift) of the sums."""
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    product = float(scale_of(a)) * float(scale_of(b))
    return quantize_multiplier(product / float(scale_of(result)))


def walk(graph: Graph, op: Op) -> dict[str, Any]:
    """How the matrices lie in memory: the fields that all types share."""
    a, b = tensor(graph, op, 0), tensor(graph, op, 1)
    (rows, depth), (_, columns) = matrices(graph, op)
    a_steps = (1, rows) if op.options.get("adj_x") else (depth, 1)
    b_steps = (1, depth) if op.options.get("adj_y") else (columns, 1)
    return {
        "batches": broadcast_t(a.shape[:-2], b.shape[:-2]),
        "a_matrix": rows * depth,
        "b_matrix": depth * columns,
        "rows": rows,
        "columns": columns,
        "depth": depth,
        "a_row": a_steps[0],
        "a_depth": a_steps[1],
        "b_depth": b_steps[0],
        "b_column": b_steps[1],
    }


def _lower(site: Site) -> Code:
    graph, op = site.graph, site.op
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    multiplier, shift = scaling(graph, op)
    params = Initializer(
        "batch_matmul_s8_t",
        {
            **walk(graph, op),
            "a_zero": zero_of(a),
            "b_zero": zero_of(b),
            "multiplier": multiplier,
            "shift": shift,
            "output_zero": zero_of(result),
        },
    )
    function = f"batch_matmul_{common.suffix(result)}"
    return Code(
        function=function,
        body=f"{params.declare()}\n"
        f"{function}(&params, {site.input(0)}, {site.input(1)}, {site.output()});",
        files=("kernels.h", "requantize.h", "broadcast.h", f"portable/{function}.c"),
    )


SUPPORT = (
    Support(
        name="BATCH_MATMUL",
        dtypes=common.WIDE,
        kernels=[Portable(_lower, lambda graph, op: 10.0 * macs(graph, op))],
        check=_check,
        notes="adjoints and broadcast batches",
        versions=(1, 5),
    ),
)
