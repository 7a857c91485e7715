"""Answers are judged by the task that model and labels make; the figures are scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from pipeline.convert import Graph, Tensor
from pipeline.errors import DataError, WrongUse
from pipeline.load import Dataset
from pipeline.measure.scores import difference, scores, task_of, top_k_of

RNG = np.random.default_rng(7)


def tensor(index: int, shape: tuple[int, ...], dtype: str = "int8") -> Tensor:
    quantized = dtype == "int8"
    scale = np.array([0.25] if quantized else [], np.float32)
    return Tensor(index, f"t{index}", shape, dtype, scale, np.full(len(scale), -3, np.int32))


def graph(source: tuple[int, ...], sink: tuple[int, ...], dtype: str = "int8") -> Graph:
    tensors = (tensor(0, (1, *source), dtype), tensor(1, (1, *sink), dtype))
    return Graph("m", "0" * 64, tensors, (), (0,), (1,))


def labelled(
    count: int,
    shape: tuple[int, ...],
    y: NDArray[np.int64] | None = None,
    targets: NDArray[np.float32] | None = None,
) -> Dataset:
    x = RNG.integers(-128, 127, (count, *shape), dtype=np.int8)
    return Dataset("set.npz", x, y, True, targets)


def test_the_task_is_told_by_the_labels() -> None:
    autoencoder, classifier, single = graph((8,), (8,)), graph((8,), (4,)), graph((8,), (1,))
    sides = RNG.integers(0, 2, 6)
    assert task_of(autoencoder, labelled(6, (8,), sides)) == "anomaly"
    assert task_of(autoencoder, labelled(6, (8,), np.full(6, 5))) == "classification"
    assert task_of(classifier, labelled(6, (8,), sides)) == "classification"
    assert task_of(classifier, labelled(6, (8,))) == "none"
    assert task_of(single, labelled(6, (8,), targets=np.ones(6, np.float32))) == "regression"
    assert task_of(autoencoder, labelled(6, (8,), sides), "classification") == "classification"
    assert task_of(single, labelled(6, (8,), sides), "anomaly") == "anomaly"


@pytest.mark.parametrize(
    ("wanted", "data"),
    [
        ("classification", labelled(3, (8,))),
        ("anomaly", labelled(3, (8,), np.array([0, 1, 2]))),
        ("anomaly", labelled(3, (8,), np.array([0, 1, 1]))),
        ("regression", labelled(3, (8,), np.array([0, 1, 1]))),
    ],
)
def test_labels_that_do_not_fit_the_task_are_refused(wanted: str, data: Dataset) -> None:
    with pytest.raises(DataError, match=r"set\.npz"):
        task_of(graph((8,), (4,)), data, wanted)


def test_an_unknown_task_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="guessing"):
        task_of(graph((8,), (4,)), labelled(3, (8,)), "guessing")


def test_classes_are_scikit_learns() -> None:
    shapes = graph((4,), (12,))
    data = labelled(200, (4,), RNG.integers(0, 12, 200))
    outputs = RNG.permuted(np.tile(np.arange(12, dtype=np.int8), (200, 1)), axis=1)
    found = scores("classification", shapes, data, outputs)
    assert found is not None and data.y is not None
    assert found.top1 == metrics.accuracy_score(data.y, outputs.argmax(1))
    assert top_k_of("classification", shapes) == 5
    assert found.top_k == metrics.top_k_accuracy_score(data.y, outputs, k=5, labels=range(12))
    matrix = metrics.confusion_matrix(data.y, outputs.argmax(1), labels=range(12))
    assert found.confusion == tuple(map(tuple, matrix.tolist()))
    assert found.auc is None


def test_few_classes_have_no_top_k_and_two_have_an_area() -> None:
    shapes = graph((4,), (2,))
    data = labelled(100, (4,), RNG.integers(0, 2, 100))
    outputs = RNG.integers(-128, 127, (100, 2), dtype=np.int8)
    found = scores("classification", shapes, data, outputs)
    assert found is not None and data.y is not None
    assert top_k_of("classification", shapes) is None and found.top_k is None
    assert found.auc == pytest.approx(metrics.roc_auc_score(data.y, outputs[:, 1]))


def test_the_matrix_of_many_classes_is_left_out() -> None:
    data = labelled(5, (4,), np.arange(5))
    outputs = RNG.integers(-128, 127, (5, 101), dtype=np.int8)
    found = scores("classification", graph((4,), (101,)), data, outputs)
    assert found is not None and found.confusion == ()


def test_an_anomaly_is_a_large_error_of_what_was_given() -> None:
    data = labelled(50, (16,), RNG.integers(0, 2, 50))
    assert data.y is not None
    spoilt = data.x.astype(int) + data.y[:, None] * RNG.integers(0, 20, (50, 16))
    outputs = np.clip(spoilt + RNG.integers(-4, 5, (50, 16)), -128, 127).astype(np.int8)
    found = scores("anomaly", graph((16,), (16,)), data, outputs)
    errors = np.mean((0.25 * (outputs.astype(float) - data.x)) ** 2, axis=1)
    assert found is not None and found.top1 is None
    assert found.auc == pytest.approx(metrics.roc_auc_score(data.y, errors))


def test_values_are_scikit_learns() -> None:
    shapes = graph((4,), (3,))
    targets = RNG.normal(0, 5, (60, 3)).astype(np.float32)
    data = labelled(60, (4,), targets=targets)
    outputs = np.clip(np.round(targets / 0.25) - 3 + RNG.integers(-5, 6, (60, 3)), -128, 127)
    found = scores("regression", shapes, data, outputs.astype(np.int8))
    real = 0.25 * (outputs + 3)
    assert found is not None
    assert found.mae == pytest.approx(metrics.mean_absolute_error(targets, real))
    assert found.rmse == pytest.approx(metrics.mean_squared_error(targets, real) ** 0.5)
    assert found.r2 == pytest.approx(metrics.r2_score(targets, real))


def test_targets_that_do_not_vary_have_no_r2() -> None:
    data = labelled(3, (4,), targets=np.ones((3, 1), np.float32))
    found = scores("regression", graph((4,), (1,)), data, np.zeros((3, 1), np.int8))
    assert found is not None and found.r2 is None


def test_the_largest_difference_is_in_steps_and_in_real_values() -> None:
    ours, theirs = np.array([[-128, 5]], np.int8), np.array([[127, 5]], np.int8)
    assert difference(graph((4,), (2,)), ours, theirs) == (255, 255 * 0.25)
    floats = np.array([[1.0, 2.0]], np.float32)
    assert difference(graph((4,), (2,), "float32"), floats, floats + 0.5) == (None, 0.5)
