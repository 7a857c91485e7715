"""float32 models: the integer strategies' models turned into floats, and a few of their own."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from hypothesis import strategies as st
from op_cases import STRATEGIES, Draw, resize_16, sizes
from tflite_builder import Build, T

TOLERANCE = 4e-6
"""Of a tensor's largest magnitude: what float results may differ from TFLM's."""

_TURNED = {schema.TensorType.INT8: np.int8, schema.TensorType.INT32: np.int32}


def as_float(model: bytes) -> bytes:
    """The same model with every quantised tensor in float32, constants dequantised."""
    made = schema.ModelT.InitFromPackedBuf(model, 0)
    for t in made.subgraphs[0].tensors:
        q = t.quantization
        if t.type not in _TURNED or q is None or q.scale is None or not len(q.scale):
            continue
        if t.buffer:
            raw = np.asarray(made.buffers[t.buffer].data, np.uint8).view(_TURNED[t.type])
            values = (raw.astype(np.float32) / np.float32(np.abs(raw).max(initial=1))).tobytes()
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values, np.uint8)
            made.buffers.append(buffer)
            t.buffer = len(made.buffers) - 1
        t.type, t.quantization = schema.TensorType.FLOAT32, None
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@st.composite
def unary(draw: Draw, name: str, options: str = "", positive: bool = False) -> bytes:
    """A function of one value; a square before it where it takes none below zero."""
    b = Build()
    shape = (draw(sizes(1, 9)), draw(sizes(1, 20)))
    y = [b.input(T(shape, "float32"))]
    if positive:
        y = b.op("SQUARE", y, [T(shape, "float32")])
    b.outputs = b.op(name, y, [T(shape, "float32")], options)
    return b.bytes()


@st.composite
def binary(draw: Draw, name: str, options: str) -> bytes:
    """Two operands with broadcasting; the second is kept away from zero."""
    b = Build()
    shape = (draw(sizes(1, 4)), draw(sizes(1, 20)))
    x = b.input(T(shape, "float32"))
    random = np.random.default_rng(draw(sizes(0, 1000)))
    other = random.uniform(0.5, 3, shape[-1:]) * random.choice([-1, 1], shape[-1:])
    y = b.tensor(T(shape[-1:], "float32", data=other.astype(np.float32)))
    b.outputs = b.op(name, [x, y], [T(shape, "float32")], options)
    return b.bytes()


_SHARED = [
    "ABS",
    "ADD",
    "ADD_N",
    "ARG_MAX",
    "ARG_MIN",
    "AVERAGE_POOL_2D",
    "BATCH_MATMUL",
    "CONCATENATION",
    "CONV_2D",
    "CUMSUM",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "HARD_SWISH",
    "LEAKY_RELU",
    "LOGISTIC",
    "MAXIMUM",
    "MAX_POOL_2D",
    "MEAN",
    "MINIMUM",
    "MUL",
    "PAD",
    "PRELU",
    "REDUCE_MAX",
    "REDUCE_MIN",
    "RELU",
    "RELU6",
    "RELU_0_TO_1",
    "RELU_N1_TO_1",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "SLICE",
    "SOFTMAX",
    "STRIDED_SLICE",
    "SUB",
    "SUM",
    "TANH",
    "TRANSPOSE",
    "TRANSPOSE_CONV",
]

FLOATS: dict[str, Any] = {
    **{name: STRATEGIES[name].map(as_float) for name in _SHARED},
    **{name: unary(name) for name in ("CEIL", "COS", "ELU", "FLOOR", "NEG", "ROUND", "SIN")},
    "EXP": unary("EXP", "ExpOptions"),
    "LOG": unary("LOG", positive=True),
    "RSQRT": unary("RSQRT", positive=True),
    "SQRT": unary("SQRT", positive=True),
    "SQUARE": unary("SQUARE", "SquareOptions"),
    "LOG_SOFTMAX": unary("LOG_SOFTMAX", "LogSoftmaxOptions"),
    "L2_NORMALIZATION": unary("L2_NORMALIZATION", "L2NormOptions"),
    "DIV": binary("DIV", "DivOptions"),
    "FLOOR_DIV": binary("FLOOR_DIV", "FloorDivOptions"),
    "FLOOR_MOD": binary("FLOOR_MOD", "FloorModOptions"),
    "RESIZE_NEAREST_NEIGHBOR": resize_16("float32"),
    "SQUARED_DIFFERENCE": binary("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"),
}
"""Operator -> strategy of float32 models."""
