"""Scores: how good the answers are, by the kind of task the model and its labels make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from pipeline.convert import Graph, Tensor
from pipeline.errors import DataError, WrongUse
from pipeline.load import Dataset
from pipeline.measure.inputs import classes, predicted
from pipeline.measure.roc import area_under_curve

Task = Literal["classification", "anomaly", "regression", "none"]
TASKS: tuple[str, ...] = ("auto", *get_args(Task))
TOP_K = 5
_MOST_IN_MATRIX = 100


@dataclass(frozen=True)
class Scores:
    """Figures of one side, the chip's or the host's; None where the task has no such figure.

    Attributes:
        top1, top_k: share of samples whose class is the largest output, or among the k largest.
        auc: area under the ROC curve, of an anomaly score or of two classes.
        mae, rmse, r2: of real values; R2 is the mean over the outputs.
        confusion: [class][answer] counts; () beyond 100 classes.
    """

    top1: float | None = None
    top_k: float | None = None
    auc: float | None = None
    mae: float | None = None
    rmse: float | None = None
    r2: float | None = None
    confusion: tuple[tuple[int, ...], ...] = ()


def task_of(graph: Graph, data: Dataset, wanted: str = "auto") -> Task:
    """What the answers are judged as.

    Real targets make a regression; labels 0 and 1 of a model that gives back something of its
    input's shape (an autoencoder) the detection of anomalies; other labels classes.

    Args:
        wanted: one of TASKS; "auto" goes by the data.

    Raises:
        WrongUse: there is no such task.
        DataError: the data has not the labels the task needs.
    """
    if wanted not in TASKS:
        raise WrongUse(f"{wanted!r} is not known", where="--task", hint=", ".join(TASKS))
    source, sink = _ends(graph)
    same = source.shape[1:] == sink.shape[1:] and classes(sink) > 2
    if wanted == "auto":
        if data.targets is not None:
            return "regression"
        if data.y is None:
            return "none"
        return "anomaly" if same and _two_kinds(data.y) else "classification"
    if wanted == "regression" and data.targets is None and (data.y is None or classes(sink) > 2):
        raise DataError("a regression needs real targets y of the output's shape", where=data.name)
    if wanted in ("classification", "anomaly") and data.y is None:
        raise DataError(f"{wanted} needs labels y", where=data.name)
    if wanted == "anomaly" and data.y is not None and not _two_kinds(data.y):
        raise DataError("anomalies are labelled 1, the others 0", where=data.name)
    if wanted == "anomaly" and not same and int(np.prod(sink.shape[1:], dtype=int)) != 1:
        raise DataError(
            f"an anomaly score is one value, or the error of an output of the input's shape "
            f"{source.shape[1:]}; this one has {sink.shape[1:]}",
            where=data.name,
        )
    return cast(Task, wanted)


def top_k_of(task: Task, graph: Graph) -> int | None:
    """The k of top-k; None where there are not more classes than that."""
    return TOP_K if task == "classification" and classes(_ends(graph)[1]) > TOP_K else None


def scores(task: Task, graph: Graph, data: Dataset, outputs: NDArray[Any]) -> Scores | None:
    """The figures of a task.

    Args:
        outputs: (n, elements) raw values of the first output.

    Returns:
        None where there is nothing to judge by.
    """
    source, sink = _ends(graph)
    if task == "regression":
        targets = data.targets if data.targets is not None else data.y
        assert targets is not None
        return _regression(_real(outputs, sink), targets.reshape(len(outputs), -1))
    if task == "none" or data.y is None:
        return None
    if task == "anomaly":
        answers = _real(outputs, sink)
        if outputs.shape[1] > 1:
            inputs = data.x.reshape(len(outputs), -1)
            given = _real(inputs, source) if data.quantized else inputs.astype(np.float64)
            answers = np.mean((answers - given) ** 2, axis=1, keepdims=True)
        return Scores(auc=area_under_curve(answers, data.y))
    answer = predicted(outputs, sink)
    count = classes(sink)
    k = top_k_of(task, graph)
    two = _real(outputs, sink)[:, -1:] if count == 2 else None
    return Scores(
        top1=float(np.mean(answer == data.y)),
        top_k=_top_k(outputs, data.y, k) if k else None,
        auc=area_under_curve(two, data.y) if two is not None else None,
        confusion=_confusion(data.y, answer, count) if count <= _MOST_IN_MATRIX else (),
    )


def difference(
    graph: Graph, ours: NDArray[Any], theirs: NDArray[Any]
) -> tuple[int | None, float | None]:
    """By how much two sets of raw outputs differ at most.

    Returns:
        Steps of a quantised output (None for floats), and real values.
    """
    sink = _ends(graph)[1]
    if not ours.size:
        return None, None
    apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max()
    if ours.dtype.kind == "f":
        return None, float(apart)
    scale = float(sink.scales[0]) if len(sink.scales) else 1.0
    return int(apart), float(apart) * scale


def _ends(graph: Graph) -> tuple[Tensor, Tensor]:
    return graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]


def _two_kinds(labels: NDArray[np.int64]) -> bool:
    return bool(np.all((labels == 0) | (labels == 1)))


def _real(raw: NDArray[Any], tensor: Tensor) -> NDArray[np.float64]:
    values = raw.astype(np.float64)
    if not len(tensor.scales):
        return values
    return (values - int(tensor.zero_points[0])) * float(tensor.scales[0])


def _top_k(outputs: NDArray[Any], labels: NDArray[np.int64], k: int) -> float:
    """A class counts where fewer than k others are larger."""
    own = np.take_along_axis(outputs, labels[:, None], axis=1)
    return float(np.mean(np.sum(outputs > own, axis=1) < k))


def _confusion(
    labels: NDArray[np.int64], answers: NDArray[np.int64], count: int
) -> tuple[tuple[int, ...], ...]:
    matrix = np.bincount(labels * count + answers, minlength=count * count).reshape(count, count)
    return tuple(tuple(int(n) for n in row) for row in matrix)


def _regression(answers: NDArray[np.float64], targets: NDArray[Any]) -> Scores:
    wanted = targets.astype(np.float64)
    errors = answers - wanted
    spread = np.sum((wanted - wanted.mean(axis=0)) ** 2, axis=0)
    known = spread > 0
    r2 = 1 - np.sum(errors**2, axis=0)[known] / spread[known]
    return Scores(
        mae=float(np.mean(np.abs(errors))),
        rmse=float(np.sqrt(np.mean(errors**2))),
        r2=float(np.mean(r2)) if known.any() else None,
    )
