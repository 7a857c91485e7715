"""ADD, SUB, MUL, DIV and SQUARED_DIFFERENCE, with broadcasting."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pipeline.codegen.broadcast import broadcast_shape, broadcast_t
from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import quantize_multiplier, scale_of, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.codegen.references import sum_ratio
from pipeline.convert.graph import Graph, Op, Tensor

MAX_RANK = 6
FRACTION_BITS = 20
FRACTION_BITS_S16 = 15
"""Bits below the point to which ADD and SUB bring their operands, as in add_s8.c."""
STEEPEST_PRODUCT = 2.0**14
"""Steps of an int8 output for one of a product: 2^16 << 15 would overflow."""
QUOTIENT_BITS = 30
"""Below the point, of DIV's factor."""
STEEPEST_QUOTIENT = 2.0**20
"""Steps of an int8 output for a quotient of 1: a 255th of that saturates."""
DIFFERENCE_BITS = 7
"""The same of SQUARED_DIFFERENCE, for int8."""


def check_pair(graph: Graph, op: Op) -> Problem:
    """Two operands whose shapes broadcast to the output's."""
    problem = common.arity(op, 2)
    if problem:
        return problem
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    shape = broadcast_shape(a.shape, b.shape)
    if shape is None or tuple(shape) != result.shape or 0 in shape:
        return f"shapes {list(a.shape)}, {list(b.shape)} to {list(result.shape)}", common.BROKEN
    if len(shape) > MAX_RANK:
        return f"{len(shape)} dimensions, at most {MAX_RANK}", common.TFLM
    return None


def _check(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 2)
    if problem:
        return problem
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    return common.first(common.alike(a, b, result), check_pair(graph, op), common.activation(op))


def operand_multipliers(a: Tensor, b: Tensor, result: Tensor) -> list[tuple[int, int]]:
    """(multiplier, shift) of both operands and of the output, for ADD and SUB."""
    bits = FRACTION_BITS_S16 if a.dtype == "int16" else FRACTION_BITS
    twice = 2.0 * float(max(scale_of(a), scale_of(b)))
    return [
        quantize_multiplier(float(scale_of(a)) / twice),
        quantize_multiplier(float(scale_of(b)) / twice),
        quantize_multiplier(twice / ((1 << bits) * float(scale_of(result)))),
    ]


def product_multiplier(a: Tensor, b: Tensor, result: Tensor) -> tuple[int, int]:
    """(multiplier, shift) of MUL; of int8 no steeper than what saturates any product but 0."""
    real = float(scale_of(a)) * float(scale_of(b)) / float(scale_of(result))
    return quantize_multiplier(min(real, STEEPEST_PRODUCT) if a.dtype == "int8" else real)


def in_place(graph: Graph, op: Op) -> tuple[int, ...]:
    """Operands that are not repeated: the output may take over their memory."""
    shape = common.output(graph, op).shape
    return tuple(i for i in (0, 1) if common.elements(tensor(graph, op, i)) == int(np.prod(shape)))


def is_steep(graph: Graph, op: Op) -> bool:
    """An ADD or SUB whose output scale lies so far below the operands' that TFLM aborts."""
    if op.name not in ("ADD", "SUB"):
        return False
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    return all(t.dtype in common.WIDE for t in (a, b, result)) and sum_ratio(a, b, result) >= 1


def steep_factors(a: Tensor, b: Tensor, result: Tensor) -> tuple[int, int, int]:
    """(factor of a, factor of b, shift): output steps of either operand's, times 2^shift.

    As many bits as 64 hold: the sum of both operands keeps below 2^62.
    """
    ratios = [float(scale_of(t)) / float(scale_of(result)) for t in (a, b)]
    bits = 52 if a.dtype == "int8" else 44
    shift = min(bits - math.frexp(max(ratios))[1], 62)
    if shift < 1:  # whatever is not zero saturates
        ratios, shift = [math.ldexp(r, shift - 1) for r in ratios], 1
    return round(math.ldexp(ratios[0], shift)), round(math.ldexp(ratios[1], shift)), shift


def _lower_steep(site: Site) -> Code:
    graph, op = site.graph, site.op
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    left, right, shift = steep_factors(a, b, result)
    low, high = common.limits(op, result)
    params = Initializer(
        "add_steep_t",
        {
            "shape": broadcast_t(a.shape, b.shape),
            "a_zero": zero_of(a),
            "b_zero": zero_of(b),
            "a_factor": f"INT64_C({left})",
            "b_factor": f"INT64_C({right if op.name == 'ADD' else -right})",
            "shift": shift,
            "output_zero": zero_of(result),
            "min": low,
            "max": high,
        },
    )
    return _code(site, params, f"add_steep_{common.suffix(result)}", "add_steep.h")


def _lower_add(site: Site) -> Code:
    graph, op = site.graph, site.op
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    if is_steep(graph, op):
        return _lower_steep(site)
    left, right, out = operand_multipliers(a, b, result)
    low, high = common.limits(op, result)
    params = Initializer(
        "add_s8_t",
        {
            "shape": broadcast_t(a.shape, b.shape),
            "a_zero": zero_of(a),
            "b_zero": zero_of(b),
            "a_multiplier": left[0],
            "a_shift": left[1],
            "b_multiplier": right[0],
            "b_shift": right[1],
            "sign": -1 if op.name == "SUB" else 1,
            "output_multiplier": out[0],
            "output_shift": out[1],
            "output_zero": zero_of(result),
            "min": low,
            "max": high,
        },
    )
    return _code(site, params, f"add_{common.suffix(result)}")


def _lower_mul(site: Site) -> Code:
    graph, op = site.graph, site.op
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    multiplier, shift = product_multiplier(a, b, result)
    low, high = common.limits(op, result)
    params = Initializer(
        "mul_s8_t",
        {
            "shape": broadcast_t(a.shape, b.shape),
            "a_zero": zero_of(a),
            "b_zero": zero_of(b),
            "multiplier": multiplier,
            "shift": shift,
            "output_zero": zero_of(result),
            "min": low,
            "max": high,
        },
    )
    return _code(site, params, f"mul_{common.suffix(result)}")


def _check_difference(graph: Graph, op: Op) -> Problem:
    problem = check_pair(graph, op)
    if problem:
        return problem
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    return common.alike(a, b, result)


def _lower_difference(site: Site) -> Code:
    graph, op = site.graph, site.op
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    twice = 2.0 * float(max(scale_of(a), scale_of(b)))
    bits = DIFFERENCE_BITS if a.dtype == "int8" else 0
    scales = {
        "a_scale": float(scale_of(a)) / twice,
        "b_scale": float(scale_of(b)) / twice,
        # The reference multiplies a power of two by the scale in float32.
        "scale": twice * twice / float(np.float32(1 << 2 * bits) * scale_of(result)),
    }
    params = Initializer(
        "squared_difference_t",
        {
            "shape": broadcast_t(a.shape, b.shape),
            "a_zero": zero_of(a),
            "b_zero": zero_of(b),
            **{
                name: dict(zip(("multiplier", "shift"), quantize_multiplier(real), strict=True))
                for name, real in scales.items()
            },
            "output_zero": zero_of(result),
        },
    )
    function = f"squared_difference_{common.suffix(result)}"
    return _code(site, params, function, "squared_difference.h")


def _check_div(graph: Graph, op: Op) -> Problem:
    result = common.output(graph, op)
    return _check(graph, op) or common.typed(result)


def _lower_div(site: Site) -> Code:
    graph, op = site.graph, site.op
    a, b, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    real = float(scale_of(a)) / (float(scale_of(b)) * float(scale_of(result)))
    factor = round(math.ldexp(min(real, STEEPEST_QUOTIENT), QUOTIENT_BITS))
    low, high = common.limits(op, result)
    params = Initializer(
        "div_s8_t",
        {
            "shape": broadcast_t(a.shape, b.shape),
            "a_zero": zero_of(a),
            "b_zero": zero_of(b),
            "factor": f"INT64_C({factor})",
            "output_zero": zero_of(result),
            "min": low,
            "max": high,
        },
    )
    return _code(site, params, "div_s8")


def _code(site: Site, params: Initializer, function: str, *headers: str) -> Code:
    return Code(
        function=function,
        body=f"{params.declare()}\n"
        f"{function}(&params, {site.input(0)}, {site.input(1)}, {site.output()});",
        files=("kernels.h", "requantize.h", "broadcast.h", *headers, f"portable/{function}.c"),
        in_place=in_place(site.graph, site.op),
    )


def _per_element(cost: float) -> Callable[[Graph, Op], float]:
    def instructions(graph: Graph, op: Op) -> float:
        return cost * common.elements(common.output(graph, op))

    return instructions


SUPPORT = tuple(
    Support(
        name=name,
        dtypes=("int8",) if name == "DIV" else common.WIDE,
        kernels=[Portable(lower, _per_element(cost))],
        check=check,
        notes="with broadcasting",
        versions=versions,
    )
    for name, check, lower, cost, versions in (
        ("ADD", _check, _lower_add, 60.0, (1, 5)),
        ("SUB", _check, _lower_add, 60.0, (1, 5)),
        ("MUL", _check, _lower_mul, 30.0, (1, 8)),
        ("DIV", _check_div, _lower_div, 250.0, (1, 2)),
        ("SQUARED_DIFFERENCE", _check_difference, _lower_difference, 60.0, (1, 2)),
    )
)
