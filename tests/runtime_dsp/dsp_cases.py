"""Random models as networks have them: scales that fit, so that the fast paths are taken.

tests/runtime/op_cases.py draws extreme ones, which take the slow paths.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from op_cases import Draw, out, seeds, sizes
from tflite_builder import Build, T

channel_counts = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 12, 16, 20])
zero_points = st.sampled_from([-128, -128, -17, 0, 38, 127])


def _weights(shape: tuple[int, ...], channels: int, axis: int, draw: Draw) -> T:
    random = np.random.default_rng(draw(seeds))
    low = draw(st.sampled_from([-127, -127, -128]))
    data = random.integers(low, 128, shape).astype(np.int8)
    scale = (0.004 * random.uniform(0.3, 2.0, channels)).astype(np.float32)
    if draw(st.integers(0, 3)) == 0:
        scale[random.integers(channels)] *= np.float32(2.0 ** -draw(st.integers(6, 36)))
    return T(shape, "int8", scale, 0, axis=axis, data=data)


def _result(shape: tuple[int, ...], k: int, draw: Draw) -> T:
    """An output that saturates now and then."""
    spread = draw(st.floats(0.2, 3.0))
    scale = float(np.float32(0.05 * 0.004 * 73 * 73 * np.sqrt(k) / 60 * spread))
    return T(shape, "int8", scale, draw(zero_points))


def _inputs(b: Build, shape: tuple[int, ...], w: T, channels: int, draw: Draw) -> list[int]:
    x = b.input(T(shape, "int8", 0.05, draw(zero_points)))
    bias = np.random.default_rng(draw(seeds)).integers(-20000, 20000, channels)
    scale = 0.05 * np.ravel(w.scale)[0]
    return [x, b.tensor(w), b.tensor(T((channels,), "int32", float(scale), 0, data=bias))]


def _field(draw: Draw, kernel: tuple[int, int], dilation: tuple[int, int], stride: int) -> Any:
    padding = draw(st.sampled_from([0, 0, 1]))
    low = [(k - 1) * d + 1 if padding else 1 for k, d in zip(kernel, dilation, strict=True)]
    image = [n + draw(sizes(0, 12)) for n in low]
    shape = [out(padding, n, k, stride, d) for n, k, d in zip(image, kernel, dilation, strict=True)]
    return padding, image, shape


@st.composite
def conv_2d(draw: Draw, kernels: Any = None, strides: Any = (1, 1, 2)) -> bytes:
    b = Build()
    kernel = draw(st.sampled_from(kernels or [(1, 1), (3, 3), (3, 3), (5, 1), (1, 4), (10, 4)]))
    stride = draw(st.sampled_from(strides))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 2)])) if kernels is None else (1, 1)
    padding, image, shape = _field(draw, kernel, dilation, stride)
    c, n = draw(channel_counts), draw(channel_counts)
    groups = draw(st.sampled_from([1, 1, 1, 2, 3])) if kernels is None else 1
    batch = draw(st.sampled_from([1, 1, 2]))
    w = _weights((n * groups, *kernel, c), n * groups, 0, draw)
    n *= groups
    b.outputs = b.op(
        "CONV_2D",
        _inputs(b, (batch, *image, c * groups), w, n, draw),
        [_result((batch, *shape, n), kernel[0] * kernel[1] * c, draw)],
        "Conv2DOptions",
        3,
        padding=padding,
        strideH=stride,
        strideW=stride,
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        fusedActivationFunction=draw(st.sampled_from([0, 0, 1])),
    )
    return b.bytes()


@st.composite
def conv_3x3(draw: Draw) -> bytes:
    """What Winograd takes: channels by four."""
    b = Build()
    padding, image, shape = _field(draw, (3, 3), (1, 1), 1)
    c = draw(st.sampled_from([4, 8, 12, 20, 36]))
    n = c if draw(st.booleans()) else draw(st.sampled_from([2, 4, 6, 10]))
    batch = draw(st.sampled_from([1, 1, 2]))
    w = _weights((n, 3, 3, c), n, 0, draw)
    b.outputs = b.op(
        "CONV_2D",
        _inputs(b, (batch, *image, c), w, n, draw),
        [_result((batch, *shape, n), 9 * c, draw)],
        "Conv2DOptions",
        3,
        padding=padding,
        strideH=1,
        strideW=1,
        dilationHFactor=1,
        dilationWFactor=1,
        fusedActivationFunction=draw(st.sampled_from([0, 0, 1])),
    )
    return b.bytes()


@st.composite
def depthwise(draw: Draw) -> bytes:
    b = Build()
    kernel = draw(st.sampled_from([(3, 3), (3, 3), (3, 3), (5, 5), (3, 1), (2, 3)]))
    stride = draw(st.sampled_from([1, 1, 2]))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 2)]))
    padding, image, shape = _field(draw, kernel, dilation, stride)
    c = draw(channel_counts)
    m = draw(st.sampled_from([1, 1, 1, 1, 2])) if c > 1 else draw(sizes(1, 8))
    w = _weights((1, *kernel, c * m), c * m, 3, draw)
    b.outputs = b.op(
        "DEPTHWISE_CONV_2D",
        _inputs(b, (1, *image, c), w, c * m, draw),
        [_result((1, *shape, c * m), kernel[0] * kernel[1], draw)],
        "DepthwiseConv2DOptions",
        3,
        padding=padding,
        strideH=stride,
        strideW=stride,
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        depthMultiplier=m,
        fusedActivationFunction=draw(st.sampled_from([0, 1, 1])),
    )
    return b.bytes()


@st.composite
def fully_connected(draw: Draw) -> bytes:
    b = Build()
    k, n = draw(st.sampled_from([1, 3, 8, 31, 64, 100, 700])), draw(sizes(1, 12))
    rows = draw(st.sampled_from([1, 1, 3]))
    w = _weights((n, k), n, 0, draw)
    if draw(st.booleans()):
        w.scale = 0.004
    b.outputs = b.op(
        "FULLY_CONNECTED",
        _inputs(b, (rows, k), w, n, draw),
        [_result((rows, n), k, draw)],
        "FullyConnectedOptions",
        4,
        fusedActivationFunction=draw(st.sampled_from([0, 1])),
    )
    return b.bytes()


@st.composite
def add(draw: Draw, name: str, options: str) -> bytes:
    b = Build()
    shape = (1, draw(sizes(1, 9)), draw(sizes(1, 9)), draw(sizes(1, 9)))
    operands = [
        b.input(T(shape, "int8", draw(st.floats(0.01, 0.1)), draw(zero_points))) for _ in range(2)
    ]
    b.outputs = b.op(
        name,
        operands,
        [T(shape, "int8", draw(st.floats(0.02, 0.2)), draw(zero_points))],
        options,
        2,
        fusedActivationFunction=draw(st.sampled_from([0, 1])),
    )
    return b.bytes()


STRATEGIES: dict[str, Any] = {
    "CONV_2D": conv_2d(),
    "CONV_2D 3x3": conv_3x3(),
    "DEPTHWISE_CONV_2D": depthwise(),
    "FULLY_CONNECTED": fully_connected(),
    "ADD": add("ADD", "AddOptions"),
    "SUB": add("SUB", "SubOptions"),
}
