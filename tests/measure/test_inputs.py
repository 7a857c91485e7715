"""Samples become input tensors, or it is said why not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.convert import Graph, Tensor
from pipeline.errors import DataError
from pipeline.load import Dataset
from pipeline.measure.inputs import input_tensors, predicted


def tensor(
    index: int,
    shape: tuple[int, ...],
    dtype: str = "int8",
    scale: float | None = 0.5,
    zero: int = -3,
) -> Tensor:
    scales = np.array([] if scale is None else [scale], np.float32)
    return Tensor(index, f"t{index}", shape, dtype, scales, np.full(len(scales), zero, np.int32))


def graph(*inputs: Tensor, output: Tensor | None = None) -> Graph:
    given = inputs or (tensor(0, (1, 2, 3)),)
    tensors = (*given, output or tensor(len(given), (1, 4)))
    return Graph("m", "0" * 64, tensors, (), tuple(range(len(given))), (len(given),))


def data(x: NDArray[np.generic], y: list[int] | None = None, quantized: bool = False) -> Dataset:
    labels = None if y is None else np.array(y, np.int64)
    return Dataset("set.npz", x, labels, quantized)


def test_halves_are_rounded_away_from_zero_as_tflite_does() -> None:
    x = np.array([[[0.25, -0.25, 0.75], [0.24999, 1000.0, -1000.0]]], np.float32)
    assert input_tensors(graph(), data(x)).tolist() == [[[-2, -4, -1], [-3, 127, -128]]]


def test_a_value_just_below_one_half_is_rounded_down() -> None:
    below = np.nextafter(np.float32(0.5), np.float32(0))
    x = np.full((1, 2, 3), below, np.float32)
    one = graph(tensor(0, (1, 2, 3), scale=1.0, zero=0))
    assert not input_tensors(one, data(x)).any()


def test_it_agrees_with_tflites_own_quantisation() -> None:
    """Against the definition in float32, on many values and scales."""
    rng = np.random.default_rng(0)
    for scale in rng.uniform(1e-3, 2, 20).astype(np.float32):
        x = rng.normal(0, 40, (50, 2, 3)).astype(np.float32)
        found = input_tensors(graph(tensor(0, (1, 2, 3), scale=float(scale), zero=7)), data(x))
        ratio = x / scale
        away = np.where(
            ratio < 0, np.ceil(ratio - np.float64(0.5)), np.floor(ratio + np.float64(0.5))
        )
        assert np.array_equal(found, np.clip(away + 7, -128, 127))


def test_raw_integers_are_passed_through() -> None:
    x = np.arange(-6, 6, dtype=np.int8).reshape(2, 2, 3)
    assert np.array_equal(input_tensors(graph(), data(x, quantized=True)), x)


def test_a_float_model_takes_floats() -> None:
    x = np.ones((1, 2, 3))
    found = input_tensors(graph(tensor(0, (1, 2, 3), "float32", None)), data(x))
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("x", "y", "quantized", "complaint"),
    [
        (np.zeros((0, 2, 3)), None, False, "holds no samples"),
        (
            np.zeros((4, 3, 2)),
            None,
            False,
            r"samples have shape \(3, 2\), the model takes \(2, 3\)",
        ),
        (np.zeros((4, 2, 3), np.uint8), None, True, "raw samples are uint8, the model takes int8"),
        (np.zeros((4, 2, 3), "U1"), None, False, "holds str32 values, not numbers"),
        (np.zeros((2, 2, 3)), [0, 4], False, r"y\[1\] is class 4, the model knows 0 to 3"),
        (np.zeros((2, 2, 3)), [-1, 0], False, r"y\[0\] is class -1"),
        (np.zeros((2, 2, 3)), [0], False, "2 samples, but 1 labels"),
    ],
)
def test_what_does_not_fit_is_refused(
    x: NDArray[np.generic], y: list[int] | None, quantized: bool, complaint: str
) -> None:
    with pytest.raises(DataError, match=complaint) as error:
        input_tensors(graph(), data(x, y, quantized))
    assert error.value.where == "set.npz"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_sample_that_is_not_finite_is_named(bad: float) -> None:
    x = np.zeros((5, 2, 3), np.float32)
    x[3, 1, 2] = bad
    with pytest.raises(DataError, match=rf"x\[3, 1, 2\] is {bad}"):
        input_tensors(graph(), data(x))


def test_two_inputs_are_one_too_many() -> None:
    two = graph(tensor(0, (1, 2, 3)), tensor(1, (1, 2, 3)))
    with pytest.raises(DataError, match="the model has 2 inputs"):
        input_tensors(two, data(np.zeros((1, 2, 3))))


def test_a_single_output_tells_two_classes() -> None:
    output = tensor(1, (1, 1), scale=1 / 256, zero=-128)
    found = predicted(np.array([[-128], [-1], [0], [127]], np.int8), output)
    assert found.tolist() == [0, 0, 1, 1]
    assert predicted(np.array([[1, 5, 2]], np.int8), tensor(1, (1, 3))).tolist() == [1]
