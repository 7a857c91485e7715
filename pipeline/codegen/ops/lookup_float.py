"""Tables that LiteRT fills with a function of floats: ELU, EXP, GELU, LOG, and LOGISTIC and TANH
where TFLite Micro's are wrong.

The reference goes through the real values in float32: each step here rounds to it as well. TFLite
Micro itself has int8 for ELU alone; the others are held against LiteRT.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.numeric import I64, round_away, scale_of, zero_of
from pipeline.convert.graph import Op, Tensor

F32 = NDArray[np.float32]

_FAR = np.float32(1 << 20)
_LARGEST = 88.0  # the exponential still is a float32
_ONE, _HALF = np.float32(1), np.float32(0.5)
_ROOT_HALF, _ROOT_2_OVER_PI = np.float32(math.sqrt(0.5)), np.float32(math.sqrt(2.0 / math.pi))
_CUBIC = np.float32(0.044715)


def _filled(real: Callable[[Op, Tensor, F32], F32]) -> Callable[[Op, Tensor, Tensor, I64], I64]:
    """Makes a function of stored values of one of real values."""

    def function(op: Op, data: Tensor, result: Tensor, x: I64) -> I64:
        values = real(op, result, scale_of(data) * (x - zero_of(data)).astype(np.float32))
        # The reference saturates what has no stored value; so far out it makes no difference.
        with np.errstate(over="ignore"):
            steps = np.clip(values * (_ONE / scale_of(result)), -_FAR, _FAR)
        whole = np.array([round_away(float(v)) for v in steps], np.float32)
        return np.asarray((whole + np.float32(zero_of(result))).astype(np.int64), np.int64)

    return function


def _each(function: Callable[[float], float], x: F32) -> F32:
    """A function in double precision, rounded once."""
    return np.array([function(float(v)) for v in x], np.float32)


def _elu(op: Op, result: Tensor, x: F32) -> F32:
    return np.where(x < 0, _each(lambda v: math.exp(min(v, 0.0)), x) - _ONE, x)


def _exp(op: Op, result: Tensor, x: F32) -> F32:
    return _each(lambda v: math.exp(min(v, _LARGEST)), x)


def _log(op: Op, result: Tensor, x: F32) -> F32:
    lowest = float(scale_of(result) * np.float32(-128 - zero_of(result)))
    return _each(lambda v: math.log(v) if v > 0 else lowest, x)


def _gelu(op: Op, result: Tensor, x: F32) -> F32:
    if op.options.get("approximate"):
        inner = _ROOT_2_OVER_PI * (x + _CUBIC * x * x * x)
        return _HALF * x * (_ONE + _each(math.tanh, inner))
    return _HALF * x * (_ONE + _each(math.erf, x * _ROOT_HALF))


def _logistic(op: Op, result: Tensor, x: F32) -> F32:
    return _ONE / (_ONE + _each(lambda v: math.exp(min(v, _LARGEST)), -x))


def _tanh(op: Op, result: Tensor, x: F32) -> F32:
    return _each(math.tanh, x)


def _rsqrt(op: Op, result: Tensor, x: F32) -> F32:
    """Of zero and below the largest value: no network means anything by it."""
    highest = float(scale_of(result) * np.float32(127 - zero_of(result)))
    return _each(lambda v: 1.0 / math.sqrt(v) if v > 0 else highest, x)


def _hard_swish(op: Op, result: Tensor, x: F32) -> F32:
    return _each(lambda v: v * min(max(v + 3.0, 0.0), 6.0) / 6.0, x)


logistic, tanh = _filled(_logistic), _filled(_tanh)
rsqrt, hard_swish = _filled(_rsqrt), _filled(_hard_swish)

FUNCTIONS = {
    "ELU": (_filled(_elu), (1, 1)),
    "EXP": (_filled(_exp), (1, 2)),
    "GELU": (_filled(_gelu), (1, 2)),
    "LOG": (_filled(_log), (1, 2)),
}
"""Operator -> its function and the versions known."""
