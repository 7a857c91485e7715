"""CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Code, Constant, Initializer, Portable, Site, Support
from pipeline.codegen.memory.overlap import Overlap, Window
from pipeline.codegen.numeric import (
    quantize_multiplier,
    requantize,
    scale_of,
    zero_of,
)
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, image, optional, pair, tensor
from pipeline.convert.graph import Graph, Op, Tensor
from pipeline.convert.statistics import macs
from pipeline.errors import ModelError

_BEYOND = 1 << 10


@dataclass(frozen=True, eq=False)
class Geometry:
    """All numbers of a convolution, for portable and specialised kernels alike.

    Pairs are (height, width). `multipliers` and `shifts` have one entry per output
    channel. `weights` has the flatbuffer's layout: (out, kh, kw, in per group) for
    CONV_2D, (1, kh, kw, out) for DEPTHWISE_CONV_2D. `bias` is None where absent.
    """

    input: Tensor
    output: Tensor
    weights: NDArray[np.int8]
    bias: NDArray[np.int32] | None
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]
    groups: int
    depth_multiplier: int
    multipliers: NDArray[np.int32]
    shifts: NDArray[np.int8]
    input_zero: int
    output_zero: int
    low: int
    high: int


def order(g: Geometry) -> Window:
    """What decides how far the output may reach into the input's memory."""
    size = np.dtype(g.input.dtype).itemsize
    return Window(g.input.shape, g.output.shape, g.stride, g.padding, size)


def turned(g: Geometry) -> Geometry:
    """The same convolution with rows for columns."""

    def by_column(t: Tensor) -> Tensor:
        return replace(t, shape=(t.shape[0], t.shape[2], t.shape[1], t.shape[3]))

    return replace(
        g,
        input=by_column(g.input),
        output=by_column(g.output),
        weights=g.weights.transpose(0, 2, 1, 3),
        kernel=g.kernel[::-1],
        stride=g.stride[::-1],
        dilation=g.dilation[::-1],
        padding=g.padding[::-1],
    )


def _stride(op: Op) -> tuple[int, int]:
    return int(op.options["stride_h"]), int(op.options["stride_w"])


def _dilation(op: Op) -> tuple[int, int]:
    return (
        int(op.options.get("dilation_h_factor", 1)),
        int(op.options.get("dilation_w_factor", 1)),
    )


def channel_multipliers(
    data: Tensor, weights: Tensor, result: Tensor, channels: int
) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """Multiplier and shift of each output channel; products in float64, as TFLM."""
    scales = [weights.scales[c if len(weights.scales) > 1 else 0] for c in range(channels)]
    try:
        pairs = [
            quantize_multiplier(float(scale_of(data)) * float(s) / float(scale_of(result)))
            for s in scales
        ]
    except ModelError as error:
        raise ModelError(
            f"{error.what}: input scale {scale_of(data):.3g}, output scale {scale_of(result):.3g}",
            where=f"tensor {result.name!r}",
            hint=error.hint,
        ) from error
    return (
        np.array([m for m, _ in pairs], np.int32),
        np.array([s for _, s in pairs], np.int8),
    )


def settle(
    weights: NDArray[np.int8],
    bias: NDArray[np.int32],
    multipliers: NDArray[np.int32],
    shifts: NDArray[np.int8],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8]]:
    """Bias, multipliers and shifts in which channels without weights have small numbers.

    Pruning empties whole channels. The converter then gives them a scale near zero and a bias
    of 2^30, with which fast kernels would have to reckon in all of the layer. Their output is a
    constant, and the same from these numbers.

    Args:
        weights: (channels, K); the output is int8.
        bias, multipliers, shifts: (channels,).
    """
    bias, multipliers, shifts = bias.copy(), multipliers.copy(), shifts.copy()
    empty = np.flatnonzero(~weights.any(axis=1))
    value = requantize(*(v[empty].astype(np.int64) for v in (bias, multipliers, shifts)))
    # Far beyond int8, whatever the zero point: it saturates as it did.
    bias[empty] = np.clip(value, -_BEYOND, _BEYOND) << 8
    multipliers[empty], shifts[empty] = 1 << 30, -7
    return bias, multipliers, shifts


@dataclass(frozen=True)
class Slide:
    """How a convolution slides over the image; pairs are (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]


def slide(graph: Graph, op: Op) -> Slide:
    """Of a convolution that `check_window` accepts."""
    data, weights = tensor(graph, op, 0), tensor(graph, op, 1)
    kernel = (weights.shape[1], weights.shape[2])
    stride, dilation = _stride(op), _dilation(op)
    rows, columns = (
        common.before(op, i, data.shape[1 + i], kernel[i], stride[i], dilation[i]) for i in (0, 1)
    )
    return Slide(kernel, stride, dilation, (rows, columns))


_KNOWN: WeakKeyDictionary[Graph, dict[int, tuple[Op, Geometry]]] = WeakKeyDictionary()
"""Every kernel that might run an op asks for its numbers, some of them several times."""


def geometry(graph: Graph, op: Op) -> Geometry:
    """Reads a convolution that `check` accepts."""
    known = _KNOWN.setdefault(graph, {})
    found = known.get(id(op))
    if found is None:
        # The op is kept, so that no other one gets its id.
        found = known[id(op)] = (op, _read(graph, op))
    return found[1]


def _read(graph: Graph, op: Op) -> Geometry:
    data, weights, bias = tensor(graph, op, 0), tensor(graph, op, 1), optional(graph, op, 2)
    result = common.output(graph, op)
    w = slide(graph, op)
    multipliers, shifts = channel_multipliers(data, weights, result, result.shape[3])
    low, high = common.limits(op, result)
    depthwise = op.name == "DEPTHWISE_CONV_2D"
    assert weights.data is not None
    known = None if bias is None else bias.data
    if data.dtype == "int8" and known is not None:
        last = weights.data.shape[3]
        matrix = weights.data.reshape(-1, last).T if depthwise else weights.data
        matrix = matrix.reshape(result.shape[3], -1)
        known, multipliers, shifts = settle(matrix, known.reshape(-1), multipliers, shifts)
    return Geometry(
        input=data,
        output=result,
        weights=weights.data,
        bias=known,
        kernel=w.kernel,
        stride=w.stride,
        dilation=w.dilation,
        padding=w.padding,
        groups=data.shape[3] if depthwise else data.shape[3] // weights.shape[3],
        depth_multiplier=result.shape[3] // data.shape[3] if depthwise else 1,
        multipliers=multipliers,
        shifts=shifts,
        input_zero=zero_of(data),
        output_zero=zero_of(result),
        low=low,
        high=high,
    )


def check_weights(weights: Tensor, channels: int, axis: int) -> Problem:
    """int8, symmetric, per-tensor or per output channel."""
    if weights.dtype != "int8":
        return f"{weights.dtype} weights", common.REQUANTISE
    if len(weights.scales) not in (1, channels):
        return f"{len(weights.scales)} weight scales for {channels} channels", common.BROKEN
    if len(weights.scales) > 1 and weights.axis != axis:
        return f"weights quantised along dimension {weights.axis}", common.BROKEN
    if np.any(weights.zero_points != 0):
        return "weights with a zero point", "quantise weights symmetrically"
    return None


def check_bias(bias: Tensor | None, channels: int, dtypes: tuple[str, ...] = ("int32",)) -> Problem:
    """One constant integer per channel; or none."""
    if bias is None:
        return None
    if bias.dtype not in dtypes:
        return f"{bias.dtype} bias", common.REQUANTISE
    if common.elements(bias) != channels:
        return f"{common.elements(bias)} biases for {channels} channels", common.BROKEN
    return common.constant(bias, "biases")


def check_window(graph: Graph, op: Op) -> Problem:
    """All but types and quantisation: weights, options, and shapes that fit together."""
    problem = common.arity(op, 2, 3)
    if problem:
        return problem
    data, weights, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.first(common.constant(weights, "weights"), common.activation(op))
    if problem:
        return problem
    if not len(data.shape) == len(weights.shape) == len(result.shape) == 4:
        return f"data of shape {list(data.shape)}", common.BROKEN
    stride, dilation = _stride(op), _dilation(op)
    problem = common.positive(
        stride=min(stride), dilation=min(dilation), size=min(*weights.shape, *result.shape)
    )
    if problem:
        return problem
    depthwise = op.name == "DEPTHWISE_CONV_2D"
    channels = weights.shape[3 if depthwise else 0]
    wanted = tuple(
        common.extent(op, i, data.shape[1 + i], weights.shape[1 + i], stride[i], dilation[i])
        for i in (0, 1)
    )
    if result.shape != (data.shape[0], *wanted, channels):
        return f"output shape {list(result.shape)}, computed {[*wanted, channels]}", common.BROKEN
    if depthwise and channels % data.shape[3]:
        return f"{channels} outputs from {data.shape[3]} channels", common.BROKEN
    if not depthwise and (
        data.shape[3] % weights.shape[3] or channels % (data.shape[3] // weights.shape[3])
    ):
        return f"{channels} outputs, {data.shape[3]} inputs don't group", common.BROKEN
    return None


def _check(graph: Graph, op: Op) -> Problem:
    problem = check_window(graph, op)
    if problem:
        return problem
    data, weights, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.alike(data, result)
    if problem:
        return problem
    depthwise = op.name == "DEPTHWISE_CONV_2D"
    channels = result.shape[3]
    biases = ("int32", "int64") if data.dtype == "int16" else ("int32",)
    return common.first(
        check_weights(weights, channels, 3 if depthwise else 0),
        check_bias(optional(graph, op, 2), channels, biases),
        check_wide_shifts(data, weights, result, channels),
    )


def check_wide_shifts(data: Tensor, weights: Tensor, result: Tensor, channels: int) -> Problem:
    """The rounding of 64-bit sums takes left shifts of 7 bits at most."""
    if data.dtype == "int16":
        _, shifts = channel_multipliers(data, weights, result, channels)
        if shifts.max(initial=0) > 7:
            return "an output scale far below the input's", common.REQUANTISE
    return None


def _lower(site: Site) -> Code:
    g = geometry(site.graph, site.op)
    depthwise = site.op.name == "DEPTHWISE_CONV_2D"
    wide = g.input.dtype == "int16"
    function = f"{'depthwise_conv' if depthwise else 'conv'}_{common.suffix(g.input)}"
    layout = "kernel height, kernel width, output channels"
    if not depthwise:
        layout = "output channels, kernel height, kernel width, input channels"
    constants = [
        Constant("weights", "int8_t", g.weights, note=layout),
        Constant("multiplier", "int32_t", g.multipliers),
        Constant("shift", "int8_t", g.shifts),
    ]
    if g.bias is not None:
        bias = g.bias.astype(np.int64) if wide else g.bias
        constants.insert(1, Constant("bias", "int64_t" if wide else "int32_t", bias))
    zeros = {"input_zero": g.input_zero, "output_zero": g.output_zero}
    # A bias of 32 bits asks for sums of 32 bits.
    narrow = g.bias is not None and g.bias.dtype == np.int32
    params = Initializer(
        f"conv_{common.suffix(g.input)}_t",
        {
            "batches": g.input.shape[0],
            "input": image(g.input),
            "output": image(g.output),
            "kernel": pair(*g.kernel),
            "stride": pair(*g.stride),
            "dilation": pair(*g.dilation),
            "padding": pair(*g.padding),
            **({} if wide else zeros),
            "min": g.low,
            "max": g.high,
            "weights": site.constant("weights"),
            "bias": "NULL" if g.bias is None else site.constant("bias"),
            "multiplier": site.constant("multiplier"),
            "shift": site.constant("shift"),
            "group_channels": g.depth_multiplier if depthwise else g.weights.shape[3],
            **({"wide": not narrow} if wide else {}),
        },
    )
    return Code(
        function=function,
        body=f"{params.declare()}\n{function}(&params, {site.input(0)}, {site.output()});",
        constants=tuple(constants),
        files=("kernels.h", "requantize.h", f"portable/{function}.c"),
        overlaps=(_overlap(g, depthwise),),
        encoding="dense",
    )


def _overlap(g: Geometry, depthwise: bool) -> Overlap:
    """Pixel after pixel, in it channel after channel."""
    if depthwise and g.depth_multiplier == 1:
        return order(g).channelwise
    return Overlap(0, order(g).by_pixels(mixed=True))


def _depthwise_instructions(graph: Graph, op: Op) -> float:
    """On a Cortex-M4, from kernels of one pixel to 5x5."""
    return 19.0 * macs(graph, op) + 118.0 * common.elements(common.output(graph, op))


def _instructions(graph: Graph, op: Op) -> float:
    """On a Cortex-M3, within a quarter: dot products are long enough, or setting up prevails."""
    return 5.5 * macs(graph, op) + 120.0 * common.elements(common.output(graph, op))


SUPPORT = (
    Support(
        name="CONV_2D",
        dtypes=common.WIDE,
        kernels=[Portable(_lower, _instructions)],
        check=_check,
        notes="per-tensor and per-channel; strides, dilation, groups, SAME and VALID",
        versions=(1, 8),
    ),
    Support(
        name="DEPTHWISE_CONV_2D",
        dtypes=common.WIDE,
        kernels=[Portable(_lower, _depthwise_instructions)],
        check=_check,
        notes="per-tensor and per-channel; strides, dilation, depth multiplier",
        versions=(1, 7),
    ),
)
