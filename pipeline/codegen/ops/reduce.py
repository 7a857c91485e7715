"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN over any dimensions."""

from __future__ import annotations

from typing import Any

from pipeline.codegen.broadcast import merge, strides
from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import quantize_multiplier, scale_of, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.convert.graph import Graph, Op

MAX_RANK = 4
STEEPEST = 2.0**28
"""Output steps for one of the input: more saturates as well."""


def axes(graph: Graph, op: Op) -> list[int]:
    """The dimensions that are reduced, each once, from 0 up."""
    data, axis = tensor(graph, op, 0), tensor(graph, op, 1)
    assert axis.data is not None
    rank = len(data.shape)
    return sorted({int(a) % rank for a in axis.data.reshape(-1)})


def check_reduce(graph: Graph, op: Op) -> Problem:
    """Constant axes within the data's rank, and an output of the right shape."""
    problem = common.arity(op, 2)
    if problem:
        return problem
    data, axis, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.constant(axis, "axes")
    if problem:
        return problem
    assert axis.data is not None
    rank = len(data.shape)
    if axis.dtype != "int32" or any(not -rank <= int(a) < rank for a in axis.data.reshape(-1)):
        return f"axes {axis.data.tolist()} for {rank} dimensions", common.BROKEN
    if 0 in data.shape:
        return f"data of shape {list(data.shape)}", common.BROKEN
    over = axes(graph, op)
    left = [1 if d in over else n for d, n in enumerate(data.shape)]
    if common.elements(result) != _product(left):
        return f"output of shape {list(result.shape)}", common.BROKEN
    kept, reduced, _ = dimensions(graph, op)
    if max(kept["rank"], reduced["rank"]) > MAX_RANK:
        return f"axes {over} of {rank} dimensions", common.TFLM
    return None


def _product(values: list[int]) -> int:
    result = 1
    for v in values:
        result *= v
    return result


def dimensions(graph: Graph, op: Op) -> tuple[dict[str, Any], dict[str, Any], int]:
    """dimensions_t of what is kept and of what is reduced, and elements per result."""
    data, over = tensor(graph, op, 0), axes(graph, op)
    step = strides(data.shape)
    result = []
    for wanted in (
        [d for d in range(len(data.shape)) if d not in over],
        over,
    ):
        extents, (steps,) = merge([data.shape[d] for d in wanted], [step[d] for d in wanted])
        result.append({"rank": len(extents), "extent": tuple(extents), "stride": tuple(steps)})
    return result[0], result[1], _product([data.shape[d] for d in over])


def mean_multiplier(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """Folds the division by `count` into a multiplier, as TFLM does."""
    headroom = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << headroom) // count, shift - headroom


def _check(graph: Graph, op: Op) -> Problem:
    problem = check_reduce(graph, op)
    if problem:
        return problem
    return common.alike(tensor(graph, op, 0), common.output(graph, op))


def _lower(site: Site) -> Code:
    graph, op = site.graph, site.op
    data, result = tensor(graph, op, 0), common.output(graph, op)
    kept, reduced, count = dimensions(graph, op)
    real = float(scale_of(data)) / float(scale_of(result))
    multiplier, shift = quantize_multiplier(min(real, STEEPEST))
    if op.name == "MEAN":
        multiplier, shift = mean_multiplier(multiplier, shift, count)
    params = Initializer(
        "sum_s8_t",
        {
            "kept": kept,
            "reduced": reduced,
            "offset": -zero_of(data) * count,
            "multiplier": multiplier,
            "shift": shift,
            "output_zero": zero_of(result),
        },
    )
    function = f"sum_{common.suffix(data)}"
    return Code(
        function=function,
        body=f"{params.declare()}\n{function}(&params, {site.input(0)}, {site.output()});",
        files=("kernels.h", "requantize.h", "dimensions.h", f"portable/{function}.c"),
    )


def _check_max(graph: Graph, op: Op) -> Problem:
    return common.first(
        _check(graph, op),
        common.typed(common.output(graph, op)),
        common.same_quantisation(tensor(graph, op, 0), common.output(graph, op)),
    )


def _lower_max(site: Site) -> Code:
    kept, reduced, _ = dimensions(site.graph, site.op)
    params = Initializer(
        "reduce_max_s8_t",
        {"kept": kept, "reduced": reduced, "sign": 1 if site.op.name == "REDUCE_MAX" else -1},
    )
    return Code(
        function="reduce_max_s8",
        body=f"{params.declare()}\nreduce_max_s8(&params, {site.input(0)}, {site.output()});",
        files=("kernels.h", "dimensions.h", "portable/reduce_max_s8.c"),
    )


def _instructions(graph: Graph, op: Op) -> float:
    return 12.0 * common.elements(tensor(graph, op, 0))


SUPPORT = tuple(
    Support(
        name=name,
        dtypes=dtypes,
        kernels=[Portable(lower, _instructions)],
        check=check,
        notes="any axes, kept or not",
        versions=(1, 3),
    )
    for name, lower, check, dtypes in (
        ("MEAN", _lower, _check, common.WIDE),
        ("SUM", _lower, _check, common.WIDE),
        ("REDUCE_MAX", _lower_max, _check_max, ("int8",)),
        ("REDUCE_MIN", _lower_max, _check_max, ("int8",)),
    )
)
