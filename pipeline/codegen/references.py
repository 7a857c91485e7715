"""Where TensorFlow Lite Micro is wrong, and who is right: the one place that knows.

The engine is bit-identical to TFLite Micro wherever its kernels compute what the network means,
rounding apart. For the ops listed here they do not, or they refuse; the engine then computes
what LiteRT's reference kernel computes where that is right, and else what the operator's
definition says. The host's side of a measurement takes the same reference for the same op
(pipeline/measure/truth), so that "identical" never means "equally wrong". docs/exactness.md
tells it for people.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.convert.graph import Graph, Op, Tensor

Judge = Literal["litert", "definition"]
"""LiteRT's reference kernels, or the operator's definition in integer arithmetic."""

_INT32 = 1 << 31
_FARTHEST = 1 << 10
_Q4_UNITS = 15.0 * (1 << 27)
_MOST = {"int8": 255, "int16": 32768}
"""Largest magnitude of a stored value less its zero point."""


@dataclass(frozen=True)
class Doubt:
    """Why TFLite Micro is no reference for an op.

    Attributes:
        judge: who is right instead.
        why: in words, for the report.
    """

    judge: Judge
    why: str


def doubt(graph: Graph, op: Op) -> Doubt | None:
    """Who is to be believed about an op of a model file; None where it is TFLite Micro.

    Args:
        graph: as read from the file, before any graph pass.
        op: one of its ops; of any operator.
    """
    rule = _RULES.get(op.name)
    if rule is None or not op.outputs or not op.inputs or op.inputs[0] < 0:
        return None
    return rule(graph, op)


def _ends(graph: Graph, op: Op) -> tuple[Tensor, Tensor]:
    return graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]


def _quantised(*tensors: Tensor) -> bool:
    """All hold integers with one usable scale each."""
    return all(len(t.scales) == 1 and t.scales[0] > 0 and t.dtype in _MOST for t in tensors)


def _float(t: Tensor) -> bool:
    return t.dtype == "float32"


def _lacks(judge: Judge = "litert", *, floats: bool = False) -> Callable[[Graph, Op], Doubt | None]:
    """TFLite Micro has no such kernel, but perhaps for floats."""

    def rule(graph: Graph, op: Op) -> Doubt | None:
        kind = graph.tensors[op.inputs[0]].dtype
        if floats and kind == "float32":
            return None
        what = f"has no {op.name} of {kind}" if floats else f"has no {op.name}"
        return Doubt(judge, f"TFLite Micro {what}")

    return rule


def overflows(real: float, dtype: str, largest: int = 0) -> bool:
    """A left shift by this scale ratio leaves 32 bits, for some values of the type.

    Args:
        real: output steps for each input step.
        largest: magnitude of the values; the type's by default.
    """
    if not real < 2.0**30:
        return True
    shift = math.frexp(real)[1] if real > 0 else 0
    return shift > 0 and (largest or _MOST[dtype]) << shift >= _INT32


def _steep(graph: Graph, op: Op) -> Doubt | None:
    data, result = _ends(graph, op)
    if not _quantised(data, result) or data.dtype != result.dtype:
        return None
    real = float(data.scales[0]) / float(result.scales[0])
    if op.name == "LEAKY_RELU":
        real *= max(1.0, abs(float(op.options.get("alpha", 0.0))))
    if overflows(real, data.dtype):
        return Doubt("definition", "its left shift overflows where the output scale is this small")
    return None


def _clamp_unstored(op: Op, result: Tensor) -> bool:
    """The bounds of the fused activation leave 32 bits: TFLM and LiteRT refuse that."""
    bound = {2: 1.0, 3: 6.0}.get(int(op.options.get("fused_activation_function", 0)), 0.0)
    return bound / float(result.scales[0]) >= _INT32 - 1


def _product(graph: Graph, op: Op) -> Doubt | None:
    """MUL and PRELU of int8."""
    if len(op.inputs) != 2 or min(op.inputs) < 0:
        return None
    a, b, result = (graph.tensors[i] for i in (*op.inputs, op.outputs[0]))
    if not _quantised(a, b, result) or {a.dtype, b.dtype, result.dtype} != {"int8"}:
        return None
    if _clamp_unstored(op, result):
        return Doubt("definition", "TFLite Micro refuses an activation beyond its output's steps")
    real = float(a.scales[0]) / float(result.scales[0])
    products = overflows(real * float(b.scales[0]), "int8", 255 * 255)
    if products or (op.name == "PRELU" and overflows(real, "int8")):
        return Doubt("definition", "its left shift overflows where the output scale is this small")
    return None


def rescales(data: Tensor, result: Tensor) -> bool:
    """Two tensors store values unlike each other."""
    return (
        np.float32(data.scales[0]) != np.float32(result.scales[0])
        or int(data.zero_points[0]) != int(result.zero_points[0])
    )  # fmt: skip


def _relu6(graph: Graph, op: Op) -> Doubt | None:
    data, result = _ends(graph, op)
    if not _quantised(data, result) or data.dtype != result.dtype:
        return None
    six, beyond = (
        6.0 / float(t.scales[0]) + int(t.zero_points[0]) for t in (data, result)
    )  # fmt: skip
    if not rescales(data, result) and six <= (127 if data.dtype == "int8" else 32767):
        return None
    if steep := _steep(graph, op):
        return steep
    # LiteRT's int16 has multipliers of 16 bits, and its clamp 32.
    judge: Judge = "litert" if data.dtype == "int8" and beyond < _INT32 else "definition"
    if not rescales(data, result):
        return Doubt(judge, "TFLite Micro's RELU6 overflows where 6 has no stored value")
    return Doubt(judge, "TFLite Micro's RELU6 does not rescale from input to output")


def _clamp(graph: Graph, op: Op) -> Doubt | None:
    result = graph.tensors[op.outputs[0]]
    small = _quantised(result) and 1.0 / float(result.scales[0]) > _INT32 / 2
    judge: Judge = "definition" if small or _steep(graph, op) else "litert"
    return Doubt(judge, f"TFLite Micro has no {op.name}")


def mistaken_sigmoid(op: Op, data: Tensor) -> bool:
    """TFLite Micro's int8 LOGISTIC or TANH is off by more than rounding at this input scale.

    It saturates from a radius of whole input steps on, 15 in the real world rounded down to a
    power of two; one step, or none, is too little, and more than 31 bits hold overflow.
    """
    left = math.frexp(float(data.scales[0]) * (1 << 27))[1]
    radius = math.floor(_Q4_UNITS / 2.0**left)
    return radius <= (1 if op.name == "LOGISTIC" else 0) or radius >= _INT32


def _sigmoid(graph: Graph, op: Op) -> Doubt | None:
    data, result = _ends(graph, op)
    if data.dtype == "int8" and _quantised(data, result) and mistaken_sigmoid(op, data):
        scale = float(data.scales[0])
        return Doubt(
            "litert", f"TFLite Micro's {op.name} is wrong at an input scale of {scale:.3g}"
        )
    return None


def _sum(graph: Graph, op: Op) -> Doubt | None:
    # LiteRT's integer SUM is wrong by as much as its whole range: it never is the judge.
    data, result = _ends(graph, op)
    if not _quantised(data, result) or data.dtype != result.dtype:
        return None
    count = math.prod(data.shape) // max(1, math.prod(result.shape))
    real = float(data.scales[0]) / float(result.scales[0])
    if overflows(real, data.dtype, _MOST[data.dtype] * count):
        return Doubt("definition", "its left shift overflows where the output scale is this small")
    return None


def _ramp(graph: Graph, op: Op) -> Doubt | None:
    data, result = _ends(graph, op)
    if data.dtype != "int8" or not _quantised(data, result):
        return None
    if float(data.scales[0]) / 128.0 / float(result.scales[0]) < 1.0:
        return None
    return Doubt("definition", "TFLite Micro refuses an output scale this far below the input's")


def root_shift(data: Tensor, result: Tensor) -> int:
    """The exponent TFLite Micro has for RSQRT of int8: right from -11 to 20."""
    below = float(np.sqrt(np.float32(data.scales[0])) * np.float32(result.scales[0]))
    # Two scales so small that their product is 0: further than any that TFLM takes.
    return math.frexp(1.0 / below)[1] if below > 0 else _FARTHEST


def _root(graph: Graph, op: Op) -> Doubt | None:
    data, result = _ends(graph, op)
    if data.dtype != "int8" or not _quantised(data, result):
        return None
    if -11 <= root_shift(data, result) <= 20:
        return None
    return Doubt("definition", "TFLite Micro's shifts leave 32 bits at these scales")


def sum_ratio(a: Tensor, b: Tensor, result: Tensor) -> float:
    """Output steps for one step of the scale ADD and SUB bring both operands to."""
    twice = 2.0 * max(float(a.scales[0]), float(b.scales[0]))
    bits = 15 if a.dtype == "int16" else 20
    return twice / ((1 << bits) * float(result.scales[0]))


def _add(graph: Graph, op: Op) -> Doubt | None:
    if len(op.inputs) != 2 or min(op.inputs) < 0:
        return None
    a, b, result = (graph.tensors[i] for i in (*op.inputs, op.outputs[0]))
    if not _quantised(a, b, result) or len({a.dtype, b.dtype, result.dtype}) > 1:
        return None
    if sum_ratio(a, b, result) < 1:
        return None
    return Doubt("definition", f"TFLite Micro aborts at an output scale of {result.scales[0]:.3g}")


def _half(graph: Graph, op: Op) -> Doubt | None:
    if graph.tensors[op.inputs[0]].dtype != "float16":
        return None
    return Doubt("definition", "TFLite Micro has no float16")


def _fill(graph: Graph, op: Op) -> Doubt | None:
    if graph.tensors[op.inputs[0]].data is not None:
        return None
    return Doubt("definition", "TFLite Micro takes constant dimensions only")


def _offset(graph: Graph, op: Op) -> Doubt | None:
    if graph.tensors[op.inputs[0]].dtype != "int8":
        return None
    return Doubt("definition", f"TFLite Micro's {op.name} of int8 forgets the zero point")


def _div(graph: Graph, op: Op) -> Doubt | None:
    if graph.tensors[op.inputs[0]].dtype != "int8":
        return None
    return Doubt("definition", "TFLite Micro's DIV of int8 shifts small quotients by over 31 bits")


_RULES: dict[str, Callable[[Graph, Op], Doubt | None]] = {
    "ABS": _steep,
    "ADD": _add,
    "ADD_N": _offset,
    "CUMSUM": _offset,
    "DEQUANTIZE": _half,
    "DIV": _div,
    "EXP": _lacks(floats=True),
    "FILL": _fill,
    "GELU": _lacks(),
    "HARD_SWISH": _ramp,
    "LEAKY_RELU": _steep,
    "LOG": _lacks(floats=True),
    "LOGISTIC": _sigmoid,
    "MUL": _product,
    "PRELU": _product,
    "QUANTIZE": _steep,
    "RANGE": _lacks(),
    "REDUCE_PROD": _lacks(),
    "RELU": _steep,
    "RELU6": _relu6,
    "RELU_0_TO_1": _clamp,
    "RELU_N1_TO_1": _clamp,
    "RSQRT": _root,
    "SELECT": _lacks(),
    "SUB": _add,
    "SUM": _sum,
    "TANH": _sigmoid,
    "TILE": _lacks("definition"),
}
