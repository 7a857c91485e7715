"""Whole deploys onto the Arduino Uno: 32 KB of flash, 2 KB of RAM, emulated by QEMU."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import deploy
from pipeline.errors import DoesNotFit

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))
from tflite_builder import Build, T

pytestmark = [pytest.mark.qemu, pytest.mark.slow]
RANDOM = np.random.default_rng(0)
SOFT = T((1, 4), "int8", 1 / 256, -128)
CONV = {"padding": 0, "dilationHFactor": 1, "dilationWFactor": 1}
POOL = {"padding": 1, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
SCALES = [0.01, 0.02, 0.015, 0.03]


def weights(b: Build, *shape: int, scale: Any = 0.01, axis: int = 0) -> int:
    data = RANDOM.integers(-127, 128, shape).astype(np.int8)
    return b.tensor(T(shape, "int8", scale, 0, axis=axis, data=data))


def bias(b: Build, count: int, scale: float = 1.0) -> int:
    return b.tensor(T((count,), "int32", scale, 0, data=RANDOM.integers(-500, 500, count)))


def dense() -> bytes:
    """16 -> 24 -> 4, softmax."""
    b = Build()
    x = b.input(T((1, 16), "int8", 0.05, 3))
    options = ("FullyConnectedOptions", 4)
    inner = [x, weights(b, 24, 16), bias(b, 24, 0.05 * 0.01)]
    outer = T((1, 4), "int8", 0.1, -5)
    (h,) = b.op("FULLY_CONNECTED", inner, [T((1, 24), "int8", 0.04, -128)], *options)
    (y,) = b.op(
        "FULLY_CONNECTED", [h, weights(b, 4, 24), bias(b, 4, 0.04 * 0.01)], [outer], *options
    )
    b.outputs = b.op("SOFTMAX", [y], [SOFT], "SoftmaxOptions", 1, beta=1.0)
    return b.bytes()


def residual() -> bytes:
    """10 x 10 pixels: convolution, depthwise convolution, ADD, both poolings, softmax."""
    b = Build()
    x = b.input(T((1, 10, 10, 1), "int8", 0.05, 3))
    sources = [x, weights(b, 4, 3, 3, 1, scale=SCALES), bias(b, 4)]
    (c,) = b.op(
        "CONV_2D", sources, [T((1, 5, 5, 4), "int8", 0.06, -128)], "Conv2DOptions", 3,
        strideH=2, strideW=2, fusedActivationFunction=1, **CONV,
    )  # fmt: skip
    sources = [c, weights(b, 1, 3, 3, 4, scale=SCALES, axis=3), bias(b, 4)]
    (d,) = b.op(
        "DEPTHWISE_CONV_2D", sources, [T((1, 5, 5, 4), "int8", 0.1, -20)],
        "DepthwiseConv2DOptions", 3, strideH=1, strideW=1, depthMultiplier=1, **CONV,
    )  # fmt: skip
    (a,) = b.op("ADD", [c, d], [T((1, 5, 5, 4), "int8", 0.12, -10)], "AddOptions", 1)
    small, one = T((1, 2, 2, 4), "int8", 0.12, -10), T((1, 1, 1, 4), "int8", 0.12, -10)
    (m,) = b.op("MAX_POOL_2D", [a], [small], "Pool2DOptions", 2, **POOL)
    (m,) = b.op("AVERAGE_POOL_2D", [m], [one], "Pool2DOptions", 2, **POOL)
    shape = b.tensor(T((2,), "int32", data=[1, 4]))
    flat = T((1, 4), "int8", 0.12, -10)
    (f,) = b.op("RESHAPE", [m, shape], [flat], "ReshapeOptions", 1, newShape=[1, 4])
    b.outputs = b.op("SOFTMAX", [f], [SOFT], "SoftmaxOptions", 1, beta=1.0)
    return b.bytes()


def deployed(model: bytes, folder: Path) -> Any:
    path = folder / "net.tflite"
    path.write_bytes(model)
    done = deploy(path, board="uno", data="random", samples=5, out=folder / "run")
    assert done.report is not None
    return done.report


@pytest.mark.parametrize("model", [dense, residual])
def test_a_small_network_answers_as_on_the_host(model: Any, tmp_path: Path) -> None:
    report = deployed(model(), tmp_path)
    assert report.accuracy.samples == report.accuracy.identical_outputs == 5
    assert report.memory.flash_bytes < report.memory.flash_limit == 32256
    assert report.memory.ram_bytes + report.memory.stack_peak_bytes < 1024
    assert report.latency.unit == "instructions"
    assert all(layer.cost > 0 for layer in report.layers)


def test_weights_lie_in_flash_alone(tmp_path: Path) -> None:
    report = deployed(dense(), tmp_path)
    assert report.memory.flash_model_bytes > 24 * 16 + 4 * 24
    assert report.memory.ram_bytes < 700


def test_a_network_too_large_is_refused_before_it_is_built(tmp_path: Path, shared: Path) -> None:
    model = shared / "models/ad01_int8.tflite"
    with pytest.raises(DoesNotFit, match=r"overflows by .* weights alone take"):
        deploy(model, board="uno", data="random", samples=1, out=tmp_path / "run")
    assert not (tmp_path / "run" / "firmware.elf").exists()
