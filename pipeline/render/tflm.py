"""What a project with TensorFlow Lite Micro needs: its library, operators and arena."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.convert import Graph
from pipeline.errors import UnsupportedOp, WrongUse

DEFAULT_LIBRARY = "spaziochirale/Chirale_TensorFLowLite@^2.0.0"
"""What lib_deps names where nothing else is said: TFLM with CMSIS-NN, for PlatformIO."""

_KERNELS = "tensorflow/lite/micro/kernels"
# Registrations that hold the int8 kernels only: half the flash of the general ones.
_INT8 = {
    "ADD": ("Register_ADD_INT8", "add.h"),
    "AVERAGE_POOL_2D": ("Register_AVERAGE_POOL_2D_INT8", "pooling.h"),
    "CONV_2D": ("Register_CONV_2D_INT8", "conv.h"),
    "DEPTHWISE_CONV_2D": ("Register_DEPTHWISE_CONV_2D_INT8", "depthwise_conv.h"),
    "FULLY_CONNECTED": ("Register_FULLY_CONNECTED_INT8", "fully_connected.h"),
    "MAX_POOL_2D": ("Register_MAX_POOL_2D_INT8", "pooling.h"),
    "MUL": ("Register_MUL_INT8", "mul.h"),
    "SOFTMAX": ("Register_SOFTMAX_INT8", "softmax.h"),
    "SVDF": ("Register_SVDF_INT8", "svdf.h"),
}
# MicroMutableOpResolver's methods, where they are not the builtin name in camel case.
_METHODS = {
    "AVERAGE_POOL_2D": "AveragePool2D",
    "BATCH_MATMUL": "BatchMatMul",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNd",
    "CONV_2D": "Conv2D",
    "CUMSUM": "CumSum",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D",
    "L2_POOL_2D": "L2Pool2D",
    "MAX_POOL_2D": "MaxPool2D",
    "PADV2": "PadV2",
    "SELECT_V2": "SelectV2",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNd",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}
# The library's kernel files, where they are not named like the operator.
_FILES = {
    "AVERAGE_POOL_2D": "pooling",
    "CONV_2D": "conv",
    "DEPTHWISE_CONV_2D": "depthwise_conv",
    "L2_NORMALIZATION": "l2norm",
    "LESS": "comparisons",
    "MAX_POOL_2D": "pooling",
    "PADV2": "pad",
    "SELECT_V2": "select",
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX"), "reduce"),
    **dict.fromkeys(("RELU", "RELU6"), "activations"),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), "maximum_minimum"),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), "arg_min_max"),
    **dict.fromkeys(
        ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS_EQUAL"), "comparisons"
    ),
    **dict.fromkeys(("ABS", "COS", "LOG", "RSQRT", "SIN", "SQRT", "SQUARE"), "elementwise"),
}
_SHARED_FILES = ("kernel_util", "micro_tensor_utils", "lstm_eval")
# fmt: off
_KNOWN = frozenset((
    "ABS", "ADD", "ADD_N", "ARG_MAX", "ARG_MIN", "ASSIGN_VARIABLE", "AVERAGE_POOL_2D",
    "BATCH_MATMUL", "BATCH_TO_SPACE_ND", "CAST", "CEIL", "CONCATENATION", "CONV_2D", "COS",
    "CUMSUM", "DEPTH_TO_SPACE", "DEPTHWISE_CONV_2D", "DEQUANTIZE", "DIV", "ELU", "EQUAL",
    "EXP", "EXPAND_DIMS", "FILL", "FLOOR", "FULLY_CONNECTED", "GATHER", "GATHER_ND",
    "GREATER", "GREATER_EQUAL", "HARD_SWISH", "L2_NORMALIZATION", "L2_POOL_2D", "LEAKY_RELU",
    "LESS", "LESS_EQUAL", "LOG", "LOG_SOFTMAX", "LOGISTIC", "MAX_POOL_2D", "MAXIMUM", "MEAN",
    "MINIMUM", "MIRROR_PAD", "MUL", "NEG", "NOT_EQUAL", "PACK", "PAD", "PADV2", "PRELU",
    "QUANTIZE", "READ_VARIABLE", "REDUCE_MAX", "RELU", "RELU6", "RESHAPE", "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR", "ROUND", "RSQRT", "SELECT_V2", "SHAPE", "SIN", "SLICE",
    "SOFTMAX", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQRT", "SQUARE",
    "SQUARED_DIFFERENCE", "SQUEEZE", "STRIDED_SLICE", "SUB", "SUM", "SVDF", "TANH",
    "TRANSPOSE", "TRANSPOSE_CONV", "UNIDIRECTIONAL_SEQUENCE_LSTM", "UNPACK", "VAR_HANDLE",
    "ZEROS_LIKE",
))
# fmt: on


@dataclass(frozen=True)
class Tflm:
    """TensorFlow Lite Micro in a project.

    Attributes:
        library: a folder (absolute path) or what `lib_deps` takes from the registry.
        calls: the resolver's calls, one for each operator.
        headers: what those calls need.
        ops: how many operators an inference runs.
        kernels: names of the library's kernel files that are compiled.
        arena_bytes: size of the tensor arena.
        arena_reason: where that size comes from, for people.
    """

    library: str
    calls: tuple[str, ...]
    headers: tuple[str, ...]
    ops: int
    kernels: tuple[str, ...]
    arena_bytes: int
    arena_reason: str

    @property
    def local(self) -> bool:
        """The library is a folder of this machine."""
        return Path(self.library).is_absolute()


def tflm_for(graph: Graph, library: str, arena_bytes: int, arena_reason: str) -> Tflm:
    """What the model asks of TensorFlow Lite Micro.

    Args:
        graph: the model.
        library: a folder in Arduino's or PlatformIO's layout, a `lib_deps` entry, or "" for
            $MCU_TFLM, else DEFAULT_LIBRARY.
        arena_bytes: size to give the arena.
        arena_reason: where it comes from.

    Raises:
        UnsupportedOp: TFLM has no such operator.
        WrongUse: the folder holds no TFLM.
    """
    unknown = [op for op in graph.ops if op.name not in _KNOWN]
    if unknown:
        raise UnsupportedOp(
            f"TensorFlow Lite Micro has no operator {unknown[0].name}",
            where=f"{graph.name}, layer {unknown[0].layer!r}",
            hint="replace the layer, or keep it on the host",
        )
    calls, headers = [], set()
    for name in sorted({op.name for op in graph.ops}):
        method = _METHODS.get(name) or "".join(word.capitalize() for word in name.split("_"))
        if name in _INT8 and _all_int8(graph, name):
            function, header = _INT8[name]
            calls.append(f"Add{method}(tflite::{function}())")
            headers.add(f"{_KERNELS}/{header}")
        else:
            calls.append(f"Add{method}()")
    files = {_FILES.get(op.name, op.name.lower()) for op in graph.ops}
    return Tflm(
        library=resolve_library(library),
        calls=tuple(calls),
        headers=tuple(sorted(headers)),
        ops=len(graph.ops),
        kernels=tuple(sorted({*files, *_SHARED_FILES})),
        arena_bytes=arena_bytes,
        arena_reason=arena_reason,
    )


def resolve_library(library: str) -> str:
    """The library as platformio.ini names it; folders are checked and made absolute."""
    chosen = library or os.environ.get("MCU_TFLM", "") or DEFAULT_LIBRARY
    folder = Path(chosen).expanduser()
    if not (folder.exists() or chosen.startswith((".", "/", "~"))):
        return chosen
    for source in (folder / "src", folder):
        if (source / "tensorflow/lite/micro/micro_interpreter.h").is_file():
            return str(folder.resolve())
    raise WrongUse(
        "holds no TensorFlow Lite Micro library",
        where=str(folder),
        hint="give the folder that holds src/tensorflow/lite/micro (--tflm or MCU_TFLM)",
    )


def _all_int8(graph: Graph, name: str) -> bool:
    return all(
        graph.tensors[index].dtype == "int8"
        for op in graph.ops
        if op.name == name
        for index in (op.inputs[0], *op.outputs)
    )
