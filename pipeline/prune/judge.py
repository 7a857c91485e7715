"""How much worse a pruned network is than the unpruned one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.load.dataset import Dataset
from pipeline.load.evaluate import classes_of, predict
from pipeline.prune.objective import find_objective


@dataclass(frozen=True, eq=False)
class Judge:
    """Compares networks with the unpruned one on the same samples.

    Attributes:
        data: the samples.
        kind: "accuracy" with labels, "agreement" with the unpruned network's classes
            without, "loss" for regression and autoencoders.
        reference: the accuracy or loss of the unpruned network; 1 for an agreement.
        answers: what is compared with: class indices, or real values (n, ...).
    """

    data: Dataset
    kind: str
    reference: float
    answers: NDArray[Any]

    def value(self, model: Any) -> float:
        """Return the accuracy, agreement or loss of `model`."""
        outputs = predict(model, self.data.x)
        if self.kind == "loss":
            return float(np.mean(np.square(outputs - self.answers)))
        return float(np.mean(classes_of(outputs) == self.answers))

    def drop(self, model: Any) -> float:
        """Return how much worse `model` is: 0.02 is two points, or 2 % more loss."""
        if self.kind == "loss":
            return self.value(model) / max(self.reference, 1e-12) - 1.0
        return self.reference - self.value(model)


def judge_for(model: Any, data: Dataset) -> Judge:
    """Return the judge that suits an unpruned network and the samples at hand."""
    objective = find_objective(model, data, distill=False)
    if objective.kind == "values" and objective.answers is not None:
        return _with_reference(Judge(data, "loss", 0.0, objective.answers), model)
    if data.y is not None:
        return _with_reference(Judge(data, "accuracy", 0.0, data.y), model)
    return Judge(data, "agreement", 1.0, classes_of(predict(model, data.x)))


def _with_reference(judge: Judge, model: Any) -> Judge:
    return Judge(judge.data, judge.kind, judge.value(model), judge.answers)
