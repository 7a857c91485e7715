"""Operators by their definition, in the integer arithmetic of the engine's roundings.

Each is stated once more here, over whole tensors, and held against float64 by the tests: no
result is off by more than the rounding to a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.numeric import (
    ACTIVATION_NONE,
    ACTIVATION_RELU,
    ACTIVATION_RELU6,
    ACTIVATION_RELU_N1_TO_1,
    INT_RANGE,
    quantize_multiplier,
    requantize,
)
from pipeline.codegen.passes.known import dequantized
from pipeline.convert import Graph, Op, Tensor

I64 = NDArray[np.int64]
Values = NDArray[Any]
_LIMITS = {
    ACTIVATION_NONE: (-math.inf, math.inf),
    ACTIVATION_RELU: (0.0, math.inf),
    ACTIVATION_RELU6: (0.0, 6.0),
    ACTIVATION_RELU_N1_TO_1: (-1.0, 1.0),
}


def define(graph: Graph, op: Op, inputs: list[Values | None]) -> list[Values]:
    """What an op means.

    Args:
        inputs: of the op, constants too; None where one is absent.

    Raises:
        KeyError: no definition is written down here.
    """
    result = graph.tensors[op.outputs[0]]
    if op.name in _MOVED:
        return [_MOVED[op.name](graph, op, inputs).astype(result.dtype).reshape(result.shape)]
    found = _DEFINITIONS[op.name](graph, op, inputs)
    low, high = INT_RANGE[result.dtype]
    return [np.clip(found, low, high).astype(result.dtype).reshape(result.shape)]


def _scale(t: Tensor) -> float:
    return float(t.scales[0])


def _zero(t: Tensor) -> int:
    return int(t.zero_points[0])


def _ends(graph: Graph, op: Op) -> tuple[Tensor, Tensor]:
    return graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]


def _centred(t: Tensor, values: Values | None) -> I64:
    assert values is not None
    return np.asarray(values, np.int64) - _zero(t)


def _round(x: NDArray[np.float64]) -> I64:
    """Half away from zero; saturated far outside of every type."""
    steps = np.clip(x, -(2.0**40), 2.0**40)
    return np.asarray(np.sign(steps) * np.floor(np.abs(steps) + 0.5), np.float64).astype(np.int64)


def _rescaled(x: I64, real: float) -> I64:
    """x * real; where 32 bits are too few every value but 0 saturates."""
    most = int(np.abs(x).max(initial=0))
    if real >= 1.0 and max(most, 1) * real >= 1 << 30:
        return _round(x.astype(np.float64) * real)
    return requantize(x, *quantize_multiplier(real))


def _clamped(op: Op, result: Tensor, values: I64) -> I64:
    """The fused activation."""
    low, high = _LIMITS[int(op.options.get("fused_activation_function", 0))]
    return _between(values, result, low, high)


def _between(values: I64, result: Tensor, low: float, high: float) -> I64:
    least, most = (_stored(v, result) for v in (low, high))
    return np.asarray(np.clip(values.astype(np.float64), least, most)).astype(np.int64)


def _stored(real: float, t: Tensor) -> float:
    """A bound in steps; infinite bounds stay so."""
    if math.isinf(real):
        return real
    return float(_round(np.array(real / _scale(t)))) + _zero(t)


def _quantize(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
    data, result = _ends(graph, op)
    x = _centred(data, inputs[0])
    return _rescaled(x, _scale(data) / _scale(result)) + _zero(result)


def _abs(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
    data, result = _ends(graph, op)
    x = np.abs(_centred(data, inputs[0]))
    return _rescaled(x, _scale(data) / _scale(result)) + _zero(result)


def _relu(low: float, high: float) -> Callable[[Graph, Op, list[Values | None]], I64]:
    def define_relu(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
        return _between(_quantize(graph, op, inputs), graph.tensors[op.outputs[0]], low, high)

    return define_relu


def _leaky_relu(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
    data, result = _ends(graph, op)
    x, real = _centred(data, inputs[0]), _scale(data) / _scale(result)
    slope = _scale(data) * float(np.float32(op.options.get("alpha", 0.0))) / _scale(result)
    below = _rescaled(x, abs(slope)) * (-1 if slope < 0 else 1)
    return np.where(x >= 0, _rescaled(x, real), below) + _zero(result)


def _prelu(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
    data, slopes, result = (graph.tensors[i] for i in (*op.inputs, op.outputs[0]))
    x, slope = _centred(data, inputs[0]), _centred(slopes, inputs[1])
    real = _scale(data) / _scale(result)
    below = _rescaled(np.asarray(x * slope), real * _scale(slopes))
    return np.where(x >= 0, _rescaled(x, real), below) + _zero(result)


def _mul(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
    a, b, result = (graph.tensors[i] for i in (*op.inputs, op.outputs[0]))
    product = _centred(a, inputs[0]) * _centred(b, inputs[1])
    values = _rescaled(np.asarray(product), _scale(a) * _scale(b) / _scale(result))
    return _clamped(op, result, values + _zero(result))


def _add(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
    a, b, result = (graph.tensors[i] for i in (*op.inputs, op.outputs[0]))
    sign = -1.0 if op.name == "SUB" else 1.0
    left = _centred(a, inputs[0]) * (_scale(a) / _scale(result))
    right = _centred(b, inputs[1]) * (_scale(b) / _scale(result))
    return _clamped(op, result, _round(left + sign * right) + _zero(result))


def _sum(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
    data, result = _ends(graph, op)
    assert inputs[1] is not None
    over = tuple(int(a) for a in np.asarray(inputs[1]).reshape(-1))
    total = np.asarray(_centred(data, inputs[0]).sum(axis=over))
    return _rescaled(total, _scale(data) / _scale(result)) + _zero(result)


def _div(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
    a, b, result = (graph.tensors[i] for i in (*op.inputs, op.outputs[0]))
    x, y = np.broadcast_arrays(_centred(a, inputs[0]), _centred(b, inputs[1]))
    factor = round(math.ldexp(min(_scale(a) / (_scale(b) * _scale(result)), 2.0**20), 30))
    above, below = np.abs(x) * factor, np.abs(y) << 30
    size = (2 * above + below) // np.where(y == 0, 1, 2 * below)
    values = np.sign(x) * np.where(y == 0, 512, np.sign(y) * np.minimum(size, 512))
    return _clamped(op, result, values + _zero(result))


def _add_n(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
    result = graph.tensors[op.outputs[0]]
    total = np.zeros(result.shape, np.float64)
    for index, values in zip(op.inputs, inputs, strict=True):
        t = graph.tensors[index]
        total += _centred(t, values) * (_scale(t) / _scale(result))
    return _round(total) + _zero(result)


def _cumsum(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
    data, result = _ends(graph, op)
    assert inputs[1] is not None
    axis = int(inputs[1].reshape(-1)[0])
    x = _centred(data, inputs[0])
    if op.options.get("reverse"):
        x = np.flip(x, axis)
    total = np.cumsum(x, axis=axis) - (x if op.options.get("exclusive") else 0)
    if op.options.get("reverse"):
        total = np.flip(total, axis)
    return _rescaled(total, _scale(data) / _scale(result)) + _zero(result)


def _function(real: Callable[[float], float]) -> Callable[[Graph, Op, list[Values | None]], I64]:
    def define_function(graph: Graph, op: Op, inputs: list[Values | None]) -> I64:
        data, result = _ends(graph, op)
        x = _centred(data, inputs[0]) * _scale(data)
        values = np.array([real(float(v)) for v in x.reshape(-1)]).reshape(x.shape)
        return _round(values / _scale(result)) + _zero(result)

    return define_function


def _hard_swish(x: float) -> float:
    return x * min(max(x + 3.0, 0.0), 6.0) / 6.0


def _root(x: float) -> float:
    return 1.0 / math.sqrt(x) if x > 0 else math.inf


def _tile(graph: Graph, op: Op, inputs: list[Values | None]) -> Values:
    assert inputs[0] is not None
    assert inputs[1] is not None
    return np.tile(inputs[0], [int(n) for n in inputs[1].reshape(-1)])


def _fill(graph: Graph, op: Op, inputs: list[Values | None]) -> Values:
    assert inputs[0] is not None
    assert inputs[1] is not None
    return np.full([int(n) for n in inputs[0].reshape(-1)], inputs[1].reshape(-1)[0])


def _widened(graph: Graph, op: Op, inputs: list[Values | None]) -> Values:
    data = graph.tensors[op.inputs[0]]
    return np.asarray(
        dequantized(op, [replace(data, data=inputs[0])], graph.tensors[op.outputs[0]])
    )


_MOVED: dict[str, Callable[[Graph, Op, list[Values | None]], Values]] = {
    "DEQUANTIZE": _widened,
    "FILL": _fill,
    "TILE": _tile,
}
"""Operators that take any type and compute no integers."""

_DEFINITIONS: dict[str, Callable[[Graph, Op, list[Values | None]], I64]] = {
    "ABS": _abs,
    "ADD": _add,
    "ADD_N": _add_n,
    "CUMSUM": _cumsum,
    "DIV": _div,
    "HARD_SWISH": _function(_hard_swish),
    "LEAKY_RELU": _leaky_relu,
    "MUL": _mul,
    "PRELU": _prelu,
    "QUANTIZE": _quantize,
    "RELU": _relu(0.0, math.inf),
    "RELU6": _relu(0.0, 6.0),
    "RELU_0_TO_1": _relu(0.0, 1.0),
    "RELU_N1_TO_1": _relu(-1.0, 1.0),
    "RSQRT": _function(_root),
    "SUB": _add,
    "SUM": _sum,
}


def run_step(graph: Graph, ops: list[int]) -> Callable[[dict[int, Values]], None]:
    """A function that runs ops of a graph over the tensors at hand, and adds what they give.

    Variables start with their first values wherever none is at hand: with every sample.
    """

    def value(values: dict[int, Values], index: int) -> Values | None:
        if index < 0:
            return None
        t = graph.tensors[index]
        if index not in values and t.variable:
            first = np.full(t.shape, _zero(t) if len(t.zero_points) else 0, t.dtype)
            values[index] = first if t.initial is None else t.initial.reshape(t.shape)
        return t.data if t.data is not None else values[index]

    def run(values: dict[int, Values]) -> None:
        for number in ops:
            op = graph.ops[number]
            inputs = [value(values, i) for i in op.inputs]
            if op.name in ("READ_VARIABLE", "ASSIGN_VARIABLE"):
                assert inputs[0] is not None
                values[op.outputs[0]] = inputs[0]
                continue
            for index, made in zip(op.outputs, define(graph, op, inputs), strict=True):
                values[index] = made

    return run
