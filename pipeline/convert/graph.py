"""Graph: the flatbuffer read into typed ops and tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the graph.

    Attributes:
        index: position in `Graph.tensors`.
        name: the flatbuffer's name for it.
        shape: dimensions; the batch is 1.
        dtype: "int8", "int16", "int32", "float32", ... (NumPy's names).
        scales: quantisation scales, float32; empty where not quantised, one entry for
            per-tensor, shape[axis] entries for per-channel.
        zero_points: int32, as many as scales.
        axis: the quantised dimension of a per-channel tensor.
        data: the constant's values, or None for an activation.
        variable: state that survives between inferences.
        initial: what a variable starts with; None is its zero point.
        origin: the tensor of the .tflite with these values; -1 for one made by a pass.
        kept: places along the last dimension of `origin` that are left, in order, where a
            pass removed others; None where all are.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int32]
    axis: int = 0
    data: NDArray[Any] | None = None
    variable: bool = False
    initial: NDArray[Any] | None = None
    origin: int = -1
    kept: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Op:
    """An operator of the graph, in execution order.

    Attributes:
        index: position in `Graph.ops`; the report's layer index.
        name: TFLite's builtin name ("CONV_2D").
        inputs: tensor indices, -1 for an optional input that is absent.
        outputs: tensor indices.
        options: the builtin options, by their schema names in snake_case.
        version: the operator's version in the flatbuffer.
        layer: a person's name for it, from the output tensor's name.
        origins: the ops of the .tflite whose work it does, by index.
    """

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    version: int = 1
    layer: str = ""
    origins: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Graph:
    """One subgraph of a TFLite model.

    Attributes:
        name: the model's name, a C identifier.
        sha256: of the flatbuffer it was read from.
        tensors: all tensors; an index into it is what ops hold.
        ops: in execution order.
        inputs, outputs: tensor indices.
        dequantised: constants that the file holds in 8 bits and that are floats here.
    """

    name: str
    sha256: str
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    dequantised: tuple[int, ...] = ()


WEIGHTED = frozenset(
    {
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "TRANSPOSE_CONV",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "SVDF",
    }
)
"""Operators with weights: data is input 0, weights input 1."""
