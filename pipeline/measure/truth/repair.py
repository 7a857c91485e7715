"""A model in a form that TFLite Micro runs as it is meant: the same numbers, stored otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.convert import Graph, Op
from pipeline.measure.truth.plan import Ruling

_BIASED = {"DEPTHWISE_CONV_2D": (0, 2), "TRANSPOSE_CONV": (2, 3)}
"""Operator -> positions of its data and bias, where TFLite Micro takes 64 bits for granted."""


def narrow_biases(graph: Graph) -> dict[int, Op]:
    """Biases of 32 bits beside int16 data that TFLite Micro reads as 64, and who reads them."""
    found = {}
    for op in graph.ops:
        data, bias = _BIASED.get(op.name, (0, 99))
        if bias >= len(op.inputs) or min(op.inputs[data], op.inputs[bias]) < 0:
            continue
        narrow = graph.tensors[op.inputs[bias]].dtype == "int32"
        if narrow and graph.tensors[op.inputs[data]].dtype == "int16":
            found[op.inputs[bias]] = op
    return found


def repaired(content: bytes, graph: Graph) -> tuple[bytes, tuple[Ruling, ...]]:
    """The model with biases widened and weights dequantised, and what was done to whose.

    Args:
        content: the flatbuffer.
        graph: as read from it.
    """
    narrow = narrow_biases(graph)
    if not narrow and not graph.dequantised:
        return content, ()
    values: dict[int, NDArray[Any]] = {}
    notes = []
    for index, op in narrow.items():
        data = graph.tensors[index].data
        assert data is not None
        values[index] = data.astype(np.int64)
        notes.append(_note(op, "TFLite Micro reads 64 bits of a bias that has 32: widened"))
    for op in graph.ops:
        if any(i in graph.dequantised for i in op.inputs):
            notes.append(_note(op, "float data on integer weights, which were dequantised"))
    for index in graph.dequantised:
        stored = graph.tensors[index].data
        assert stored is not None
        values[index] = stored
    return _stored(content, values), tuple(sorted(notes, key=lambda n: n.op))


def _note(op: Op, why: str) -> Ruling:
    return Ruling(op.origins[0], op.name, op.layer, "tflite-micro", why)


def _stored(content: bytes, values: dict[int, NDArray[Any]]) -> bytes:
    """The flatbuffer with other values in some of its constants."""
    import flatbuffers  # type: ignore[import-untyped]
    from ai_edge_litert import schema_py_generated as schema

    kinds = {"int64": schema.TensorType.INT64, "float32": schema.TensorType.FLOAT32}
    model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
    for index, data in values.items():
        tensor, buffer = model.subgraphs[0].tensors[index], schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer, tensor.type = len(model.buffers) - 1, kinds[data.dtype.name]
        if data.dtype == np.float32:
            tensor.quantization = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
