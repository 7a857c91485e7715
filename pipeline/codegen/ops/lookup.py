"""Functions of one int8 value: 256-entry tables, made when the model is compiled.

ABS, ELU, EXP, GELU, HARD_SWISH, LEAKY_RELU, LOG, LOGISTIC, RELU and its clamped kin, RSQRT, TANH.
A table holds exactly what TFLite Micro computes for each of the 256 inputs; what LiteRT computes,
or the definition says, where TFLite Micro has no int8 or is wrong (pipeline/codegen/references.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen import fixed_point, references
from pipeline.codegen.kernels.kernel import Code, Constant, Portable, Site, Support
from pipeline.codegen.numeric import (
    I64,
    quantize_multiplier,
    requantize,
    round_away,
    rounding_shift,
    scale_of,
    zero_of,
)
from pipeline.codegen.ops import common, int16, lookup_float
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.convert.graph import Graph, Op, Tensor

_STEEPEST = 2.0**22
"""Steps of an int8 output for one of the input: 255 << 23 just fits, one saturates by far."""

Function = Callable[[Op, Tensor, Tensor, I64], I64]
"""(op, input, output, stored inputs) -> stored outputs, not yet clamped."""


def stored_inputs() -> I64:
    """All int8 values in the order of a table: 0 to 127, then -128 to -1."""
    return np.arange(256).astype(np.uint8).view(np.int8).astype(np.int64)


def table(function: Function, op: Op, data: Tensor, result: Tensor) -> NDArray[np.int8]:
    """The 256 outputs, indexed by the input's byte."""
    return np.clip(function(op, data, result, stored_inputs()), -128, 127).astype(np.int8)


def ratio(data: Tensor, result: Tensor) -> float:
    """Input scale over output scale."""
    return float(scale_of(data)) / float(scale_of(result))


def rescale(x: I64, data: Tensor, result: Tensor) -> I64:
    """Stored inputs to stored outputs of the same real value, unclamped."""
    return scaled(x - zero_of(data), ratio(data, result)) + zero_of(result)


def scaled(x: I64, real: float) -> I64:
    """x * real as TFLite Micro rounds it; where its shift would overflow, what saturates anyway."""
    return requantize(x, *quantize_multiplier(min(real, _STEEPEST)))


def _relu(op: Op, data: Tensor, result: Tensor, x: I64) -> I64:
    return np.maximum(rescale(x, data, result), zero_of(result))


def _stored(value: float, t: Tensor) -> int:
    q = zero_of(t) + round_away(float(np.float32(value) / scale_of(t)))
    return min(max(q, -128), 127)


def _between(low: float, high: float) -> Function:
    """RELU6 and its kin as LiteRT has them: rescaled, then clamped in the output's scale."""

    def function(op: Op, data: Tensor, result: Tensor, x: I64) -> I64:
        values = rescale(x, data, result)
        return np.clip(values, _stored(low, result), _stored(high, result))

    return function


def _leaky_relu(op: Op, data: Tensor, result: Tensor, x: I64) -> I64:
    slope = float(scale_of(data)) * float(np.float32(op.options["alpha"]))
    slope /= float(scale_of(result))
    below = scaled(x - zero_of(data), abs(slope))
    below = (-below if slope < 0 else below) + zero_of(result)
    above = rescale(x, data, result)
    return np.where(x >= zero_of(data), above, below)


def _to_q4(data: Tensor, x: I64) -> tuple[I64, int]:
    """Inputs in Q4, and the distance from zero beyond which results saturate."""
    fraction, left = math.frexp(float(scale_of(data)) * (1 << 27))
    multiplier = round_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier //= 2
        left += 1
    radius = math.floor(15.0 * (1 << 27) / 2.0**left)
    centred = x - zero_of(data)
    inside = np.clip(centred, -radius + 1, radius - 1) if radius > 0 else np.zeros_like(x)
    return requantize(inside, multiplier, left), radius


def _saturate(x: I64, data: Tensor, radius: int, inside: I64) -> I64:
    centred = x - zero_of(data)
    return np.where(centred <= -radius, -128, np.where(centred >= radius, 127, inside))


def _logistic(op: Op, data: Tensor, result: Tensor, x: I64) -> I64:
    if references.mistaken_sigmoid(op, data):
        return lookup_float.logistic(op, data, result, x)
    q4, radius = _to_q4(data, x)
    inside = rounding_shift(fixed_point.logistic(q4, 4), 23) - 128
    return _saturate(x, data, radius, np.clip(inside, -128, 127))


def _tanh(op: Op, data: Tensor, result: Tensor, x: I64) -> I64:
    if references.mistaken_sigmoid(op, data):
        return lookup_float.tanh(op, data, result, x)
    q4, radius = _to_q4(data, x)
    inside = rounding_shift(fixed_point.tanh(q4, 4), 24)
    return _saturate(x, data, radius, np.clip(inside, -128, 127))


def _abs(op: Op, data: Tensor, result: Tensor, x: I64) -> I64:
    size = np.abs(x - zero_of(data))
    if scale_of(data) == scale_of(result):
        return size + zero_of(result)
    return scaled(size, ratio(data, result)) + zero_of(result)


def _rsqrt(op: Op, data: Tensor, result: Tensor, x: I64) -> I64:
    if not -11 <= references.root_shift(data, result) <= 20:
        return lookup_float.rsqrt(op, data, result, x)
    fraction = 20
    # The reference takes the root and the product in float32.
    real = 1.0 / float(np.sqrt(scale_of(data)) * scale_of(result))
    multiplier, shift = quantize_multiplier(real)
    y = np.full_like(x, 127)  # of zero; below it the reference fails
    for i, value in enumerate(x - zero_of(data)):
        if value > 0:
            root, exponent = fixed_point.inverse_root(int(value))
            fine = requantize(np.array([1], np.int64), root, exponent + fraction)
            y[i] = requantize(fine, multiplier, shift - fraction)[0] + zero_of(result)
    return y


def _to_int16(multiplier: int) -> int:
    """The upper half of a 32-bit multiplier, rounded."""
    return 0x7FFF if multiplier >= 0x7FFF8000 else (multiplier + (1 << 15)) >> 16


def _high_mul16(x: I64, multiplier: int) -> I64:
    """(x * multiplier * 2) >> 16 in 16 bits, rounded half away from zero, saturated."""
    product = x * multiplier
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return np.asarray(np.minimum(np.sign(nudged) * (np.abs(nudged) >> 15), 0x7FFF), np.int64)


def _saturate16(x: I64) -> I64:
    return np.asarray(np.clip(x, -(1 << 15), (1 << 15) - 1), np.int64)


def hard_swish_multipliers(data: Tensor, result: Tensor) -> tuple[tuple[int, int], ...]:
    """(16-bit multiplier, exponent) to the output's scale and to that of the ramp."""
    fine = float(scale_of(data)) / 128.0
    pairs = (
        quantize_multiplier(fine / float(scale_of(result))),
        quantize_multiplier(fine / (3.0 / 32768.0)),
    )
    return tuple((_to_int16(m), s) for m, s in pairs)


def _hard_swish(op: Op, data: Tensor, result: Tensor, x: I64) -> I64:
    if ratio(data, result) >= 128.0:
        return lookup_float.hard_swish(op, data, result, x)
    (out_multiplier, out_exponent), (multiplier, exponent) = hard_swish_multipliers(data, result)
    fine = (x - zero_of(data)) << 7
    value = _high_mul16(fine, out_multiplier)
    # min(max(x + 3, 0), 6) / 6 in Q15, first as a saturating ramp over [-1, 1]
    ramp = fine
    if exponent > 0:
        ramp = _saturate16(ramp << (exponent - 1))
    ramp = _high_mul16(ramp, multiplier)
    if exponent > 0:
        ramp = _saturate16(ramp << 1)
    elif exponent < 0:
        ramp = rounding_shift(ramp, -exponent)
    ramp = (ramp + (1 << 15)) >> 1
    product = ramp * value
    before = np.sign(product) * (np.abs(product) >> 15)
    return rounding_shift(before, -out_exponent) + zero_of(result)


def _check(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 1)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    if data.dtype == "int16" and op.name in int16.LOWERINGS:
        return int16.check(graph, op)
    problem = common.first(common.typed(data, result), common.same_shape(data, result))
    if problem:
        return problem
    if op.name == "LOGISTIC" and zero_of(result) != -128:
        return f"output zero point {zero_of(result)}, expected -128", common.BROKEN
    if op.name == "LEAKY_RELU" and not math.isfinite(op.options.get("alpha", 0.0)):
        return "a slope that is no number", common.BROKEN
    return None


def lookup_code(site: Site, values: NDArray[np.int8]) -> Code:
    """The layer as a table."""
    count = common.elements(common.output(site.graph, site.op))
    source, result = site.input(0), site.output()
    # uint8 and bool tensors have the same bytes; tables are indexed by byte.
    if tensor(site.graph, site.op, 0).dtype in ("uint8", "bool"):
        source = f"(const int8_t *){source}"
    if common.output(site.graph, site.op).dtype in ("uint8", "bool"):
        result = f"(int8_t *){result}"
    return Code(
        function="lookup_s8",
        body=f"lookup_s8({site.constant('table')}, {source}, {result}, {count});",
        constants=(Constant("table", "int8_t", values, note="indexed by the input's byte"),),
        files=("kernels.h", "portable/lookup_s8.c"),
        in_place=(0,),
    )


def lowering(function: Function) -> Callable[[Site], Code]:
    """Lowers an op as the table of `function`."""

    def lower(site: Site) -> Code:
        data, result = tensor(site.graph, site.op, 0), common.output(site.graph, site.op)
        return lookup_code(site, table(function, site.op, data, result))

    return lower


def instructions(graph: Graph, op: Op) -> float:
    """Of a table look-up."""
    return 6.0 * common.elements(common.output(graph, op))


TABLE = Support(
    name="TABLE",
    dtypes=("int8",),
    kernels=[
        Portable(
            lambda site: lookup_code(site, np.frombuffer(site.op.options["table"], np.int8)),
            instructions,
        )
    ],
    check=lambda graph, op: None,
    notes="256 bytes in the option `table`, made by a graph pass",
)
"""Any op that a graph pass has made a table of; no operator of TFLite."""


FUNCTIONS: dict[str, tuple[Function, tuple[int, int]]] = {
    "ABS": (_abs, (1, 5)),
    **lookup_float.FUNCTIONS,
    "HARD_SWISH": (_hard_swish, (1, 3)),
    "RELU": (_relu, (1, 4)),
    "RELU6": (_between(0.0, 6.0), (1, 3)),
    "RELU_0_TO_1": (_between(0.0, 1.0), (1, 1)),
    "RELU_N1_TO_1": (_between(-1.0, 1.0), (1, 1)),
    "RSQRT": (_rsqrt, (1, 3)),
    "LEAKY_RELU": (_leaky_relu, (1, 3)),
    "LOGISTIC": (_logistic, (1, 4)),
    "TANH": (_tanh, (1, 4)),
}
"""Operator -> its function and the versions known."""

SUPPORT = tuple(
    Support(
        name=name,
        dtypes=common.WIDE if name in int16.LOWERINGS else ("int8",),
        kernels=[Portable(int16.either(name, lowering(function)), instructions)],
        check=_check,
        notes="int8 as a 256-byte table",
        versions=versions,
    )
    for name, (function, versions) in FUNCTIONS.items()
)
