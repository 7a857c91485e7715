"""Single layers of usual shapes, as .tflite files with random weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "runtime"))
from tflite_builder import Build, T


def conv(
    image: tuple[int, int], channels: tuple[int, int], kernel: tuple[int, int], stride: int = 1
) -> bytes:
    """CONV_2D, SAME, rectified."""
    c, n = channels
    return _layer("CONV_2D", image, c, n, (n, *kernel, c), stride)


def depthwise(image: tuple[int, int], channels: int, kernel: tuple[int, int], stride: int) -> bytes:
    """DEPTHWISE_CONV_2D, SAME, rectified."""
    shape = (1, *kernel, channels)
    return _layer("DEPTHWISE_CONV_2D", image, channels, channels, shape, stride)


def _layer(
    name: str,
    image: tuple[int, int],
    c: int,
    n: int,
    shape: tuple[int, ...],
    stride: int,
) -> bytes:
    b = Build()
    x = b.input(T((1, *image, c), scale=0.05, zero=-128))
    axis = 0 if name == "CONV_2D" else 3
    w, bias = _weights(b, shape, n, axis)
    out = [-(-size // stride) for size in image]
    options: dict[str, Any] = {"depthMultiplier": 1} if axis else {}
    b.outputs = b.op(
        name,
        [x, w, bias],
        [T((1, *out, n), scale=0.1, zero=-128)],
        "DepthwiseConv2DOptions" if axis else "Conv2DOptions",
        3,
        padding=0,
        strideH=stride,
        strideW=stride,
        dilationHFactor=1,
        dilationWFactor=1,
        fusedActivationFunction=1,
        **options,
    )
    return b.bytes()


def fully_connected(inputs: int, outputs: int) -> bytes:
    """FULLY_CONNECTED of one row, rectified."""
    b = Build()
    x = b.input(T((1, inputs), scale=0.05, zero=-128))
    w, bias = _weights(b, (outputs, inputs), 1, 0)
    b.outputs = b.op(
        "FULLY_CONNECTED",
        [x, w, bias],
        [T((1, outputs), scale=0.1, zero=-128)],
        "FullyConnectedOptions",
        4,
        fusedActivationFunction=1,
    )
    return b.bytes()


def _weights(b: Build, shape: tuple[int, ...], scales: int, axis: int) -> tuple[int, int]:
    """Gaussian weights whose largest is 127, and biases."""
    random = np.random.default_rng(0)
    data = np.clip(np.rint(random.normal(0, 40, shape)), -127, 127).astype(np.int8)
    scale = (0.002 * random.uniform(0.5, 2.0, scales)).astype(np.float32)
    count = shape[3] if axis else shape[0]
    w = T(shape, scale=scale, axis=axis, data=data)
    bias = T((count,), "int32", 1e-4, data=random.integers(-2000, 2000, count))
    return b.tensor(w), b.tensor(bias)


SHAPES = {
    "1x1 8->16, 16x16": conv((16, 16), (8, 16), (1, 1)),
    "1x1 64->64, 25x5": conv((25, 5), (64, 64), (1, 1)),
    "1x1 128->128, 8x8": conv((8, 8), (128, 128), (1, 1)),
    "3x3 16->16, 16x16": conv((16, 16), (16, 16), (3, 3)),
    "3x3 64->64, 8x8": conv((8, 8), (64, 64), (3, 3)),
    "3x3 16->32 stride 2, 16x16": conv((16, 16), (16, 32), (3, 3), 2),
    "3x3 3->16 stride 2, 32x32": conv((32, 32), (3, 16), (3, 3), 2),
    "10x4 1->64 stride 2, 49x10": conv((49, 10), (1, 64), (10, 4), 2),
    "5x1 16->16, 64x1": conv((64, 1), (16, 16), (5, 1)),
    "depthwise 3x3 x64, 25x5": depthwise((25, 5), 64, (3, 3), 1),
    "depthwise 3x3 x16, 24x24": depthwise((24, 24), 16, (3, 3), 1),
    "depthwise 3x3 x32 stride 2, 24x24": depthwise((24, 24), 32, (3, 3), 2),
    "depthwise 5x5 x16, 12x12": depthwise((12, 12), 16, (5, 5), 1),
    "fully connected 640->128": fully_connected(640, 128),
    "fully connected 64->12": fully_connected(64, 12),
}
