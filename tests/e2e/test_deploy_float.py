"""Float32 models, and float parts of quantised ones, on emulated boards: with a floating-point
unit and without one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import deploy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))
from tflite_builder import Build, T

pytestmark = [pytest.mark.qemu, pytest.mark.slow]
TOLERANCE = 1e-6
"""Of outputs between 0 and 1."""


def values(*shape: int) -> np.ndarray:
    random = np.random.default_rng(sum(shape))
    return random.normal(0, 0.3, shape).astype(np.float32)


def cnn() -> bytes:
    """3x3 convolution, depthwise, pool, dense, softmax."""
    b = Build()
    y = [b.input(T((1, 12, 12, 2), "float32"))]
    y = [*y, b.tensor(T((4, 3, 3, 2), "float32", data=values(4, 3, 3, 2)))]
    y = [*y, b.tensor(T((4,), "float32", data=values(4)))]
    options = {"strideH": 2, "strideW": 2, "fusedActivationFunction": 1}
    y = b.op("CONV_2D", y, [T((1, 6, 6, 4), "float32")], "Conv2DOptions", **options)
    y = [*y, b.tensor(T((1, 3, 3, 4), "float32", data=values(1, 3, 3, 4)))]
    options = {"strideH": 1, "strideW": 1, "depthMultiplier": 1}
    y = b.op(
        "DEPTHWISE_CONV_2D", y, [T((1, 6, 6, 4), "float32")], "DepthwiseConv2DOptions", **options
    )
    y = b.op("HARD_SWISH", y, [T((1, 6, 6, 4), "float32")])
    pool = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
    y = b.op("MAX_POOL_2D", y, [T((1, 3, 3, 4), "float32")], "Pool2DOptions", **pool)
    shape = b.tensor(T((2,), "int32", data=[1, 36]))
    y = b.op("RESHAPE", [*y, shape], [T((1, 36), "float32")], "ReshapeOptions")
    return head(b, y, 36)


def head(b: Build, y: list[int], inputs: int) -> bytes:
    """A dense layer with tanh, and a softmax over five."""
    y = [*y, b.tensor(T((5, inputs), "float32", data=values(5, inputs)))]
    y = b.op("FULLY_CONNECTED", y, [T((1, 5), "float32")], "FullyConnectedOptions")
    y = b.op("TANH", y, [T((1, 5), "float32")])
    b.outputs = b.op("SOFTMAX", y, [T((1, 5), "float32")], "SoftmaxOptions", beta=1.0)
    return b.bytes()


def dense() -> bytes:
    b = Build()
    return head(b, [b.input(T((1, 20), "float32"))], 20)


def mixed() -> bytes:
    """An int8 layer, dequantised, and a float head."""
    b = Build()
    y = [b.input(T((1, 16), "int8", 0.05, 3))]
    weights = np.random.default_rng(1).integers(-127, 128, (9, 16))
    y = [*y, b.tensor(T((9, 16), "int8", 0.01, 0, data=weights))]
    y = b.op("FULLY_CONNECTED", y, [T((1, 9), "int8", 0.1, -4)], "FullyConnectedOptions", 4)
    y = b.op("DEQUANTIZE", y, [T((1, 9), "float32")])
    return head(b, y, 9)


@pytest.mark.parametrize(
    ("made", "board"),
    [
        (cnn, "disco_f407vg"),
        (cnn, "hifive1-revb"),
        (dense, "mps2_an385"),
        (mixed, "disco_f407vg"),
    ],
)
def test_outputs_are_near_the_references(
    made: Callable[[], bytes], board: str, tmp_path: Path
) -> None:
    model = tmp_path / f"{made.__name__}.tflite"
    model.write_bytes(made())
    done = deploy(model, board, data="random", samples=3, out=tmp_path / "run")
    assert done.report is not None
    accuracy = json.loads((tmp_path / "run" / "measurement.json").read_text())["accuracy"]
    assert accuracy["reference"].startswith("tflite-micro")
    assert accuracy["largest_difference"] <= TOLERANCE
    # Identical is what is equal bit for bit, for floats too.
    assert (accuracy["identical_outputs"] == 3) == (accuracy["largest_difference"] == 0)
    found = np.load(tmp_path / "run" / "outputs.npy")
    assert found.dtype == np.float32
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
