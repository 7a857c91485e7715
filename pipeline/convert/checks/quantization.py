"""Scales and zero points, where an operator reckons with them.

A converter leaves a scale of infinity on a bias of zeros, or on a constant that is only
moved: no engine looks at those, and they are let through.
"""

from __future__ import annotations

import numpy as np

from pipeline.convert.checks.words import damaged, given, named
from pipeline.convert.graph import Graph, Op, Tensor

RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
"""Types whose values stand for reals by a scale."""

_WEIGHTS = {
    "CONV_2D": (1,),
    "DEPTHWISE_CONV_2D": (1,),
    "FULLY_CONNECTED": (1,),
    "SVDF": (1, 2),
    "TRANSPOSE_CONV": (1,),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": tuple(range(1, 9)),
}
"""Operator -> inputs that may have a scale for each channel. The converter gives channels
without weights a scale of zero."""

_COMPUTED = frozenset(
    {
        "ABS", "ADD", "BATCH_MATMUL", "DEQUANTIZE", "DIV", "ELU", "EQUAL", "EXP", "GELU",
        "GREATER", "GREATER_EQUAL", "HARD_SWISH", "LEAKY_RELU", "LESS", "LESS_EQUAL", "LOG",
        "LOGISTIC", "MEAN", "MUL", "NOT_EQUAL", "PRELU", "QUANTIZE", "RELU", "RELU6",
        "RELU_N1_TO_1", "RSQRT", "SOFTMAX", "SQUARED_DIFFERENCE", "SUB", "SUM", "TANH",
        *_WEIGHTS,
    }
)  # fmt: skip
"""Operators that reckon with the scales of all their operands; others only move or compare
stored values."""


def check(graph: Graph) -> None:
    """Raises ModelError for a scale or a zero point that an op can't reckon with."""
    for op in graph.ops:
        tensors = [graph.tensors[i] for i in (*op.inputs, *op.outputs) if i >= 0]
        for t in tensors:
            _check_zeros(graph, op, t)
        if op.name in _COMPUTED:
            _check_op(graph, op, tensors)
    for i in (*graph.inputs, *graph.outputs):
        t = graph.tensors[i]
        if t.dtype in RANGES and not _usable(t, least=0.0):
            raise damaged(graph, None, f"{named(t)} has the scale {t.scales[0]:g}")


def _check_op(graph: Graph, op: Op, tensors: list[Tensor]) -> None:
    weights = [t for i in _WEIGHTS.get(op.name, ()) if (t := given(graph, op, i)) is not None]
    for t in tensors:
        if t.dtype not in RANGES:
            continue
        weight = any(t is w for w in weights)
        if not weight and len(t.scales) != 1:
            what = f"the op reckons with {named(t)}, which has {len(t.scales)} scales, not one"
            raise damaged(graph, op, what)
        if len(t.scales) == 0:
            raise damaged(graph, op, f"the op reckons with {named(t)}, which has no scale")
        if not _usable(t, least=0.0 if weight else np.float32(1e-45)):
            worst = next(float(s) for s in t.scales if not np.isfinite(s) or s <= 0)
            what = f"the op reckons with {named(t)}, whose scale is {worst:g}"
            raise damaged(graph, op, what)


def _usable(t: Tensor, least: float | np.float32) -> bool:
    return bool(np.all(np.isfinite(t.scales)) and np.all(t.scales >= least))


def _check_zeros(graph: Graph, op: Op, t: Tensor) -> None:
    if t.dtype not in RANGES or not t.zero_points.size:
        return
    low, high = RANGES[t.dtype]
    if t.zero_points.min() < low or t.zero_points.max() > high:
        what = f"the op uses {named(t)}, whose zero point is no {t.dtype}"
        raise damaged(graph, op, what)
