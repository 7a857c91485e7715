"""Builtin options: there where an operator can't do without, of its type, and plausible."""

from __future__ import annotations

import math

from pipeline.convert.checks.words import damaged
from pipeline.convert.graph import Graph, Op

_POOL = "Pool2DOptions"
_REDUCE = "ReducerOptions"

TYPES = {
    "ADD": "AddOptions",
    "ARG_MAX": "ArgMaxOptions",
    "ARG_MIN": "ArgMinOptions",
    "AVERAGE_POOL_2D": _POOL,
    "BATCH_MATMUL": "BatchMatMulOptions",
    "CALL_ONCE": "CallOnceOptions",
    "CAST": "CastOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "CUMSUM": "CumsumOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "DIV": "DivOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "GATHER": "GatherOptions",
    "GELU": "GeluOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "L2_POOL_2D": _POOL,
    "LEAKY_RELU": "LeakyReluOptions",
    "MAX_POOL_2D": _POOL,
    "MEAN": _REDUCE,
    "MIRROR_PAD": "MirrorPadOptions",
    "MUL": "MulOptions",
    "PACK": "PackOptions",
    "REDUCE_MAX": _REDUCE,
    "REDUCE_MIN": _REDUCE,
    "RESHAPE": "ReshapeOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "SOFTMAX": "SoftmaxOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "SQUEEZE": "SqueezeOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SUB": "SubOptions",
    "SUM": _REDUCE,
    "SVDF": "SVDFOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "UNPACK": "UnpackOptions",
    "VAR_HANDLE": "VarHandleOptions",
}
"""Operator -> the table of schema.fbs its options are in. Another table counts as none, as it
does for TensorFlow Lite; operators that aren't here read no options."""

NEEDED = frozenset(
    {
        "AVERAGE_POOL_2D",
        "CONV_2D",
        "DEPTH_TO_SPACE",
        "DEPTHWISE_CONV_2D",
        "L2_POOL_2D",
        "LEAKY_RELU",
        "MAX_POOL_2D",
        "SPACE_TO_DEPTH",
        "SVDF",
        "TRANSPOSE_CONV",
    }
)
"""Operators whose options have no meaning where they are all absent."""

_ENUMS = {"padding": 2, "fused_activation_function": 6, "mode": 2, "weights_format": 2}
"""Option -> how many values schema.fbs knows."""

_LARGEST = 32_767
"""Of strides, dilations, windows and blocks: beyond any image."""
_COUNTS = frozenset(
    {
        "stride_h",
        "stride_w",
        "dilation_h_factor",
        "dilation_w_factor",
        "filter_height",
        "filter_width",
        "block_size",
        "rank",
    }
)


def check(graph: Graph) -> None:
    """Raises ModelError for options that are missing or beyond what they may be."""
    for op in graph.ops:
        if op.name not in TYPES:
            continue
        if op.name in NEEDED and not op.options:
            raise damaged(graph, op, f"the op has no {TYPES[op.name]}")
        for key, value in op.options.items():
            problem = _problem(key, value)
            if problem:
                raise damaged(graph, op, f"{key} {value} {problem}")


def _problem(key: str, value: object) -> str:
    if key in _ENUMS and not (isinstance(value, int) and 0 <= value < _ENUMS[key]):
        return "is unknown"
    if key in _COUNTS and not (isinstance(value, int) and 1 <= value <= _LARGEST):
        return f"is not between 1 and {_LARGEST}"
    if isinstance(value, float) and not math.isfinite(value):
        return "is no finite number"
    return ""


def of(op: Op, key: str, default: int = 0) -> int:
    """An option that is a number."""
    return int(op.options.get(key, default))
