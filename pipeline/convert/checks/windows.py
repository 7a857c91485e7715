"""Convolutions and pools: strides, windows and shapes that fit together."""

from __future__ import annotations

import math

from pipeline.convert.checks.options import of
from pipeline.convert.checks.words import damaged, given, named, refused
from pipeline.convert.graph import Graph, Op, Tensor

_SAME = 0
_REACH = 1024
_TIMES = 4
"""A dilated kernel may reach over this many elements, or this many times its input: beyond,
all its taps but one lie in the padding, and kernels that fill the gaps with zeros explode."""
_SPREAD = 1 << 26
"""Weights with the gaps of dilation between them."""


def check(graph: Graph) -> None:
    """Raises ModelError where a window, its image and its result contradict one another."""
    for op in graph.ops:
        if op.name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            _check_conv(graph, op)
        elif op.name in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
            _check_pool(graph, op)
        elif op.name == "TRANSPOSE_CONV":
            _check_transpose(graph, op)


def _images(graph: Graph, op: Op, *tensors: Tensor | None) -> list[Tensor]:
    found = []
    for t in tensors:
        if t is None:
            raise damaged(graph, op, "the op lacks an input")
        if len(t.shape) != 4 or min(t.shape) < 1:
            what = f"the op takes {named(t)} of shape {list(t.shape)} for an image"
            raise damaged(graph, op, what)
        found.append(t)
    return found


def _strides(op: Op) -> tuple[int, int]:
    return of(op, "stride_h"), of(op, "stride_w")


def _sides(op: Op, size: tuple[int, ...], window: tuple[int, int]) -> tuple[int, int]:
    """Height and width of a window's results; `window` with its dilation."""
    pairs = zip(size, window, _strides(op), strict=True)
    if of(op, "padding") == _SAME:
        high, wide = (-(-n // step) for n, _, step in pairs)
    else:
        high, wide = ((n - reach) // step + 1 for n, reach, step in pairs)
    return high, wide


def _expect(graph: Graph, op: Op, result: Tensor, shape: tuple[int, ...]) -> None:
    if result.shape != shape:
        what = (
            f"the op writes {named(result)} of shape {list(result.shape)}, "
            f"its inputs make {list(shape)}"
        )
        raise damaged(graph, op, what)


def _check_conv(graph: Graph, op: Op) -> None:
    data, weights, result = _images(
        graph, op, given(graph, op, 0), given(graph, op, 1), graph.tensors[op.outputs[0]]
    )
    kernel = weights.shape[1:3]
    dilation = of(op, "dilation_h_factor", 1), of(op, "dilation_w_factor", 1)
    reach = (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1
    spread = math.prod(weights.shape) // math.prod(kernel) * math.prod(reach)
    bounds = [max(_REACH, _TIMES * n) for n in data.shape[1:3]]
    if reach[0] > bounds[0] or reach[1] > bounds[1] or (max(dilation) > 1 and spread > _SPREAD):
        raise refused(
            graph,
            op,
            f"with dilation {list(dilation)} the kernel {list(kernel)} reaches over "
            f"{reach[0]:,} x {reach[1]:,} elements of {named(data)}, {list(data.shape)}",
        )
    depthwise = op.name == "DEPTHWISE_CONV_2D"
    channels = weights.shape[3 if depthwise else 0]
    sides = _sides(op, data.shape[1:3], reach)
    _expect(graph, op, result, (data.shape[0], *sides, channels))
    groups = data.shape[3] if depthwise else data.shape[3] // weights.shape[3]
    whole = depthwise or data.shape[3] % weights.shape[3] == 0
    if not whole or channels % max(groups, 1):
        what = (
            f"{named(weights)} of shape {list(weights.shape)} does not fit "
            f"{named(data)} of shape {list(data.shape)}"
        )
        raise damaged(graph, op, what)
    _check_bias(graph, op, 2, channels)


def _check_bias(graph: Graph, op: Op, position: int, channels: int) -> None:
    bias = given(graph, op, position)
    if bias is not None and math.prod(bias.shape) != channels:
        what = f"{named(bias)} has {math.prod(bias.shape)} biases, not {channels}"
        raise damaged(graph, op, what)


def _check_pool(graph: Graph, op: Op) -> None:
    data, result = _images(graph, op, given(graph, op, 0), graph.tensors[op.outputs[0]])
    window = of(op, "filter_height"), of(op, "filter_width")
    sides = _sides(op, data.shape[1:3], window)
    _expect(graph, op, result, (data.shape[0], *sides, data.shape[3]))


def _check_transpose(graph: Graph, op: Op) -> None:
    weights, data, result = _images(
        graph, op, given(graph, op, 1), given(graph, op, 2), graph.tensors[op.outputs[0]]
    )
    back = _sides(op, result.shape[1:3], (weights.shape[1], weights.shape[2]))
    fits = (result.shape[0], *back) == data.shape[:3]
    if not fits or (result.shape[3], data.shape[3]) != (weights.shape[0], weights.shape[3]):
        what = (
            f"{named(data)} of shape {list(data.shape)} and {named(weights)} of shape "
            f"{list(weights.shape)} don't make {named(result)} of shape {list(result.shape)}"
        )
        raise damaged(graph, op, what)
    _check_bias(graph, op, 3, weights.shape[0])
