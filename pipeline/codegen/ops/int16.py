"""Functions of one int16 value, and SOFTMAX of int16.

65,536 values are too many for a table of outputs: the logistic function, tanh and exp are
straight lines between table entries, the linear ones are computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Code, Constant, Initializer, Site
from pipeline.codegen.numeric import quantize_multiplier, round_away, scale_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.convert.graph import Graph, Op, Tensor

_LOW, _HIGH = -32768, 32767
_SIGMOID_STEP = 1.0 / 24.0
_STEEPEST = 65535.0
"""Output steps for one of the input: -32768 << 16 just fits, one saturates."""


def sigmoid_table() -> NDArray[np.uint16]:
    """sigmoid(i / 24) in 1/65536, for straight lines between entries.

    Each entry is moved against the curvature by h^2/16, which halves the largest error
    of the interpolation; the last entry stands for all that is beyond.
    """
    s = 1.0 / (1.0 + np.exp(-np.arange(256) * _SIGMOID_STEP))
    curvature = s * (1.0 - s) * (1.0 - 2.0 * s)
    values = np.floor(65536.0 * (s - _SIGMOID_STEP**2 / 16.0 * curvature) + 0.5)
    values[255] = 65535
    return np.asarray(values, np.uint16)


def function_table(
    function: Callable[[Any], Any], low: float, high: float, scale: float
) -> NDArray[np.int16]:
    """513 samples of a function over [low, high], corrected for straight lines.

    Computed in float32 with the reference's roundings: each sample is moved by half of
    what the line to the next one errs at the midpoint.

    Args:
        function: of a float32.
        low, high: what the lowest and the highest int16 stand for.
        scale: of the outputs.
    """
    f = np.float32
    step = f((f(high) - f(low)) / f(512))
    half = f(step / f(2))
    inverse = f(f(65536) / f(f(f(scale) * f(_HIGH)) - f(f(scale) * f(_LOW))))
    result = []
    for i in range(512):
        at = f(f(low) + f(f(i) * step))
        here = round_away(float(f(function(at) * inverse)))
        middle = round_away(float(f(function(f(at + half)) * inverse)))
        there = f(function(f(f(low) + f(f(i + 1) * step))) * inverse)
        line = round_away(float(f(f(there + f(here)) / f(2))))
        result.append(here - round_away((line - middle) / 2))
    result.append(round_away(float(f(function(f(high)) * inverse))))
    return np.asarray(np.clip(np.array(result), _LOW, _HIGH), np.int16)


def _power_of_two(t: Tensor) -> tuple[int, bool]:
    """The scale's rounded logarithm, and whether it is a power of two."""
    exact = math.log2(float(scale_of(t)))
    return round(exact), abs(exact - round(exact)) < 1e-3


def check(graph: Graph, op: Op) -> Problem:
    """What the int16 kernels can't do."""
    data, result = tensor(graph, op, 0), common.output(graph, op)
    problem = common.first(common.alike(data, result), common.same_shape(data, result))
    if problem:
        return problem
    if op.name in ("LOGISTIC", "TANH", "SOFTMAX"):
        log2, exact = _power_of_two(result)
        if log2 != -15 or not exact:
            return f"an output with scale {scale_of(result):g}, expected 1/32768", common.BROKEN
    if op.name == "SOFTMAX" and (not data.shape or 0 in data.shape):
        return f"data of shape {list(data.shape)}", common.BROKEN
    if op.name == "LEAKY_RELU" and not math.isfinite(op.options.get("alpha", 0.0)):
        return "a slope that is no number", common.BROKEN
    return None


def _scale(real: float) -> dict[str, int]:
    """scale_t"""
    multiplier, shift = quantize_multiplier(real)
    return {"multiplier": multiplier, "shift": shift}


def _elementwise(
    site: Site, params: Initializer, function: str, constants: tuple[Constant, ...] = ()
) -> Code:
    count = common.elements(common.output(site.graph, site.op))
    return Code(
        function=function,
        body=f"{params.declare()}\n{function}(&params, {site.input(0)}, {site.output()}, {count});",
        constants=constants,
        files=("kernels.h", "requantize.h", "sigmoid_s16.h", f"portable/{function}.c"),
        in_place=(0,),
    )


def _lower_relu(site: Site) -> Code:
    op = site.op
    data, result = tensor(site.graph, op, 0), common.output(site.graph, op)
    ratio = float(scale_of(data)) / float(scale_of(result))
    above, below, sign = min(ratio, _STEEPEST), 0.0, 1
    low, high = 0, _HIGH
    if op.name == "RELU6":  # as LiteRT: TFLM does not rescale
        high = min(round_away(float(np.float32(6.0) / scale_of(result))), _HIGH)
    elif op.name == "LEAKY_RELU":
        slope = float(scale_of(data)) * float(np.float32(op.options["alpha"]))
        slope /= float(scale_of(result))
        below, sign, low = min(abs(slope), _STEEPEST), -1 if slope < 0 else 1, _LOW
    params = Initializer(
        "relu_s16_t",
        {"above": _scale(above), "below": _scale(below), "sign": sign, "min": low, "max": high},
    )
    return _elementwise(site, params, "relu_s16")


def _lower_abs(site: Site) -> Code:
    data, result = tensor(site.graph, site.op, 0), common.output(site.graph, site.op)
    ratio = float(scale_of(data)) / float(scale_of(result))
    # Magnitudes reach 32768: one bit less than the others have.
    multiplier, shift = quantize_multiplier(min(ratio, _STEEPEST / 2.0))
    count = common.elements(result)
    return Code(
        function="abs_s16",
        body=f"abs_s16({site.input(0)}, {site.output()}, {count}, {multiplier}, {shift});",
        files=("kernels.h", "requantize.h", "portable/abs_s16.c"),
        in_place=(0,),
    )


def rescaled(site: Site) -> Code:
    """QUANTIZE from int16 to int16: one scale on both sides of zero."""
    data, result = tensor(site.graph, site.op, 0), common.output(site.graph, site.op)
    both = _scale(min(float(scale_of(data)) / float(scale_of(result)), _STEEPEST))
    params = Initializer(
        "relu_s16_t", {"above": both, "below": both, "sign": 1, "min": _LOW, "max": _HIGH}
    )
    return _elementwise(site, params, "relu_s16")


def _lower_sigmoid(site: Site) -> Code:
    data = tensor(site.graph, site.op, 0)
    log2, exact = _power_of_two(data)
    left = 12 + log2
    if exact and left in ((0,) if site.op.name == "LOGISTIC" else (0, 1)):
        multiplier, shift = 3 << left, 0
    else:
        real, shift = float(scale_of(data)) * 4096.0 * 3.0, 0
        while real <= 32767.0 / 2.0 and shift <= 30:
            shift += 1
            real *= 2.0
        multiplier = int(real)
    params = Initializer(
        "sigmoid_s16_t",
        {"multiplier": multiplier, "shift": shift, "sigmoid": site.constant("sigmoid")},
    )
    function = "logistic_s16" if site.op.name == "LOGISTIC" else "tanh_act_s16"
    return _elementwise(site, params, function, (Constant("sigmoid", "uint16_t", sigmoid_table()),))


def _reciprocal(x: Any) -> Any:
    return np.float32(1.0) / np.float32(np.float32(1.0) + x)


def _lower_softmax(site: Site) -> Code:
    data = tensor(site.graph, site.op, 0)
    beta = float(np.float32(site.op.options.get("beta", 1.0)))
    depth = data.shape[-1]
    params = Initializer(
        "softmax_s16_t",
        {
            "rows": common.elements(data) // depth,
            "depth": depth,
            "scale": _scale(float(scale_of(data)) * beta / (10.0 / 65535.0)),
            "power": site.constant("power"),
            "reciprocal": site.constant("reciprocal"),
        },
    )
    f = np.float32
    whole = f(_HIGH - _LOW)
    unit = float(f(2.0) / whole)
    power = function_table(np.exp, float(f(10.0) / whole * f(_LOW - _HIGH)), 0.0, unit)
    reciprocal = function_table(_reciprocal, 0.0, float(f(1.0) / whole * whole), unit)
    return Code(
        function="softmax_s16",
        body=f"{params.declare()}\nsoftmax_s16(&params, {site.input(0)}, {site.output()});",
        constants=(
            Constant("power", "int16_t", power, note="exp over [-10, 0]"),
            Constant("reciprocal", "int16_t", reciprocal, note="1 / (1 + x) over [0, 1]"),
        ),
        files=("kernels.h", "requantize.h", "portable/softmax_s16.c"),
        in_place=(0,),
    )


LOWERINGS: dict[str, Callable[[Site], Code]] = {
    "ABS": _lower_abs,
    "LEAKY_RELU": _lower_relu,
    "LOGISTIC": _lower_sigmoid,
    "RELU": _lower_relu,
    "RELU6": _lower_relu,
    "SOFTMAX": _lower_softmax,
    "TANH": _lower_sigmoid,
}
"""Operator -> its lowering for int16 data."""


def either(name: str, narrow: Callable[[Site], Code]) -> Callable[[Site], Code]:
    """The lowering for int16 data where there is one and the data is that, else `narrow`."""

    def lower(site: Site) -> Code:
        wide = LOWERINGS.get(name)
        if wide and tensor(site.graph, site.op, 0).dtype == "int16":
            return wide(site)
        return narrow(site)

    return lower
