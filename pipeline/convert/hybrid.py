"""Dynamic-range models: weights of 8 bits beside activations in float32.

LiteRT quantises the activations while it runs; no microcontroller engine does. What such a
model means are the real values of its weights: they are dequantised when it is read.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.convert.graph import Op, Tensor

_STORED = ("int8", "uint8")


def hybrid_weights(
    tensors: tuple[Tensor, ...], ops: tuple[Op, ...], weighted: frozenset[str]
) -> tuple[int, ...]:
    """Constant 8-bit tensors with scales that an op reads beside float32 data.

    Args:
        tensors, ops: of a graph.
        weighted: operators with weights; of these data is input 0 and weights are behind it.
    """
    found: dict[int, None] = {}
    for op in ops:
        reads = [tensors[i] for i in op.inputs if i >= 0]
        if op.name not in weighted or not any(
            t.dtype == "float32" and t.data is None for t in reads
        ):
            continue
        for t in reads:
            if t.data is not None and t.dtype in _STORED and len(t.scales):
                found[t.index] = None
    return tuple(found)


def real_values(t: Tensor) -> NDArray[np.float32]:
    """A quantised constant as float32: (stored - zero point) * scale."""
    assert t.data is not None
    shape = [1] * t.data.ndim
    if len(t.scales) > 1:
        shape[t.axis] = len(t.scales)
    zeros, scales = t.zero_points.reshape(-1), t.scales.reshape(-1)
    if len(scales) == 1:
        shape = [1] * t.data.ndim
    values = (t.data.astype(np.int32) - zeros.reshape(shape)) * scales.reshape(shape)
    return np.asarray(values, np.float32)


def dequantised(tensors: tuple[Tensor, ...], which: tuple[int, ...]) -> tuple[Tensor, ...]:
    """The tensors with some of them as floats."""
    none = np.zeros(0, np.float32), np.zeros(0, np.int32)
    return tuple(
        replace(
            t,
            dtype="float32",
            data=real_values(t),
            scales=none[0],
            zero_points=none[1],
        )
        if t.index in which
        else t
        for t in tensors
    )
