"""What op modules share: checks of types, shapes and quantisation, and images."""

from __future__ import annotations

import math
from typing import Any

from pipeline.codegen.numeric import (
    ACTIVATIONS,
    INT_RANGE,
    activation_range,
    out_size,
    pad_before,
)
from pipeline.convert.graph import Graph, Op, Tensor

Problem = tuple[str, str] | None
"""What is not supported and what to do about it; None where all is well."""

REQUANTISE = "quantise the whole model to int8 (`mcu quantize`), or use --engine tflm"
TFLM = "use --engine tflm, or replace the layer"
BROKEN = "convert the model again: the file contradicts itself"


def tensor(graph: Graph, op: Op, position: int) -> Tensor:
    """Input tensor `position`, which must be there."""
    return graph.tensors[op.inputs[position]]


def optional(graph: Graph, op: Op, position: int) -> Tensor | None:
    """Input tensor `position`, or None where it is absent."""
    if position >= len(op.inputs) or op.inputs[position] < 0:
        return None
    return graph.tensors[op.inputs[position]]


def output(graph: Graph, op: Op, position: int = 0) -> Tensor:
    """Output tensor `position`."""
    return graph.tensors[op.outputs[position]]


def elements(t: Tensor) -> int:
    """How many values a tensor holds."""
    return math.prod(t.shape)


def arity(op: Op, low: int, high: int | None = None, outputs: int = 1) -> Problem:
    """The op has between low and high inputs, the first `low` present."""
    high = low if high is None else high
    if not low <= len(op.inputs) <= high or min(op.inputs[:low], default=0) < 0:
        return f"{len(op.inputs)} inputs, expected {low}", BROKEN
    if len(op.outputs) != outputs:
        return f"{len(op.outputs)} outputs, expected {outputs}", BROKEN
    return None


WIDE = ("int8", "int16")
"""Types of data that most kernels exist for."""


def alike(*tensors: Tensor) -> Problem:
    """All tensors are int8, or all are int16 with zero points of 0."""
    problem = typed(*tensors, dtypes=WIDE)
    if problem:
        return problem
    if len({t.dtype for t in tensors}) > 1:
        return "int8 and int16 data together", REQUANTISE
    if tensors[0].dtype == "int16" and any(int(t.zero_points[0]) for t in tensors):
        return "int16 data with a zero point", BROKEN
    return None


def suffix(t: Tensor) -> str:
    """What kernels for this type of data end in: "s8" or "s16"."""
    return "s16" if t.dtype == "int16" else "s8"


def typed(*tensors: Tensor, dtypes: tuple[str, ...] = ("int8",)) -> Problem:
    """All tensors have one of the types; integers carry one scale each."""
    for t in tensors:
        if t.dtype not in dtypes:
            return f"{t.dtype} data (tensor {t.name!r})", REQUANTISE
        if t.dtype in INT_RANGE:
            problem = quantised(t)
            if problem:
                return problem
    return None


def quantised(t: Tensor) -> Problem:
    """The tensor has exactly one scale, above zero, and a zero point in its range."""
    if len(t.scales) != 1:
        return f"{len(t.scales)} scales on tensor {t.name!r}, expected one", REQUANTISE
    if not t.scales[0] > 0:
        return f"scale {t.scales[0]:g} on tensor {t.name!r}", BROKEN
    low, high = INT_RANGE.get(t.dtype, (-(1 << 31), (1 << 31) - 1))
    if not low <= int(t.zero_points[0]) <= high:
        return f"zero point {t.zero_points[0]} on tensor {t.name!r}", BROKEN
    return None


def same_shape(a: Tensor, b: Tensor) -> Problem:
    """Two tensors hold equally many values."""
    if elements(a) != elements(b):
        return f"shapes {list(a.shape)} and {list(b.shape)} don't match", BROKEN
    return None


def same_quantisation(a: Tensor, b: Tensor) -> Problem:
    """Values are moved, not computed: both tensors must store them alike."""
    if a.dtype in INT_RANGE and (
        a.scales.tobytes() != b.scales.tobytes() or a.zero_points.tolist() != b.zero_points.tolist()
    ):
        return f"tensors {a.name!r} and {b.name!r} differ in scale or zero point", TFLM
    return None


def constant(t: Tensor, what: str) -> Problem:
    """The tensor's values are known ahead of time."""
    if t.data is None:
        return f"the {what} are computed at run time", TFLM
    return None


def activation(op: Op) -> Problem:
    """The fused activation is one of the supported."""
    code = op.options.get("fused_activation_function", 0)
    if code not in ACTIVATIONS:
        return f"fused activation {code}", "use a separate activation layer"
    return None


def fused(op: Op) -> int:
    """The fused activation's code; 0 is none."""
    return int(op.options.get("fused_activation_function", 0))


def limits(op: Op, result: Tensor) -> tuple[int, int]:
    """(lowest, highest) stored value the op lets through: its fused activation, and the
    `clamp` that a graph pass made of the ops behind it.
    """
    low, high = activation_range(fused(op), result)
    least, most = op.options.get("clamp", (low, high))
    return max(low, least), min(high, most)


def extent(op: Op, axis: int, size: int, kernel: int, stride: int, dilation: int = 1) -> int:
    """Output height (axis 0) or width (axis 1) of a window that slides over `size`."""
    if "pads" in op.options:
        reach = size + sum(op.options["pads"][axis]) - (kernel - 1) * dilation - 1
        return int(reach // stride + 1)
    return out_size(int(op.options["padding"]), size, kernel, stride, dilation)


def before(op: Op, axis: int, size: int, kernel: int, stride: int, dilation: int = 1) -> int:
    """Rows above (axis 0) or columns left of the image (axis 1) that a window reads.

    By TFLite's `padding`, or by `pads` ((top, bottom), (left, right)) that a graph pass
    made of a PAD before the op.
    """
    if "pads" in op.options:
        return int(op.options["pads"][axis][0])
    return pad_before(int(op.options["padding"]), size, kernel, stride, dilation)


def first(*problems: Problem) -> Problem:
    """The first problem there is."""
    return next((p for p in problems if p), None)


def image(t: Tensor) -> dict[str, Any]:
    """image_shape_t of a (batch, height, width, channels) tensor."""
    _, height, width, channels = t.shape
    return {"height": height, "width": width, "channels": channels}


def pair(height: int, width: int) -> dict[str, Any]:
    """pair_t."""
    return {"height": height, "width": width}


def positive(**values: int) -> Problem:
    """All option values are at least one."""
    for name, value in values.items():
        if value < 1:
            return f"{name.replace('_', ' ')} {value}", BROKEN
    return None
