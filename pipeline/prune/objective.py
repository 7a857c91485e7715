"""What a network is trained to do, found out from its output and its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.load.dataset import Dataset
from pipeline.load.evaluate import classes_of, predict
from pipeline.load.tfenv import tensorflow

Kind = Literal["softmax", "logits", "sigmoid", "values", "none"]

# With fewer labelled samples than this for each class, the unpruned network's outputs
# teach more than the labels alone.
_FEW_LABELS_PER_CLASS = 200
# Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network (2015), section 2: a
# temperature above 1 shows which wrong answers are nearly right.
_TEMPERATURE = 2.0
_LABEL_WEIGHT = 0.5
_TINY = 1e-7
_PASSING = ("Flatten", "Reshape", "Dropout", "Permute")


@dataclass(frozen=True, eq=False)
class Objective:
    """A loss, and what it compares the outputs with.

    Attributes:
        kind: how the outputs compare with `answers`: "softmax" and "logits" with class
            indices, "sigmoid" with 0 or 1, "values" by squared error, "none": not at all.
        answers: (n, ...) for each training sample, or None.
        teacher: the unpruned network, or None where it does not teach.
        output: "softmax", "sigmoid" or "linear", the activation the outputs went through.
        notes: what a person should know of the choice.
    """

    kind: Kind
    answers: NDArray[Any] | None
    teacher: Any
    output: str
    notes: tuple[str, ...] = ()

    def loss(self, outputs: Any, answers: Any, taught: Any, labelled: int | None = None) -> Any:
        """Return the mean loss (a scalar tensor) of a batch.

        Args:
            outputs: (b, ...) of the network in training.
            answers: (b, ...) what it should have said; ignored where kind is "none".
            taught: (b, ...) what the teacher said; ignored without a teacher.
            labelled: only the first so many have answers; None is all of them.
        """
        if self.teacher is None:
            return self._labels(outputs, answers)
        distilled = self._distillation(outputs, taught)
        if self.kind == "none":
            return distilled
        labels = self._labels(outputs[:labelled], answers[:labelled])
        return _LABEL_WEIGHT * labels + (1.0 - _LABEL_WEIGHT) * distilled

    def _labels(self, outputs: Any, answers: Any) -> Any:
        losses = tensorflow().keras.losses
        if self.kind in ("softmax", "logits"):
            return tensorflow().reduce_mean(
                losses.sparse_categorical_crossentropy(
                    answers, outputs, from_logits=self.kind == "logits"
                )
            )
        if self.kind == "sigmoid":
            return tensorflow().reduce_mean(losses.binary_crossentropy(answers, outputs))
        return tensorflow().reduce_mean(tensorflow().square(outputs - answers))

    def _distillation(self, outputs: Any, taught: Any) -> Any:
        tf = tensorflow()
        if self.output == "sigmoid":
            return tf.reduce_mean(tf.keras.losses.binary_crossentropy(taught, outputs))
        if self.kind == "values" or (self.output == "linear" and self.kind != "logits"):
            return tf.reduce_mean(tf.square(outputs - taught))
        if self.output == "softmax":
            outputs, taught = tf.math.log(outputs + _TINY), tf.math.log(taught + _TINY)
        soft = tf.nn.softmax(taught / _TEMPERATURE)
        crossed = tf.nn.softmax_cross_entropy_with_logits(soft, outputs / _TEMPERATURE)
        own = tf.nn.softmax_cross_entropy_with_logits(soft, taught / _TEMPERATURE)
        return tf.reduce_mean(crossed - own) * _TEMPERATURE**2


def find_objective(model: Any, data: Dataset, *, distill: bool | None = None) -> Objective:
    """Decide how `model` is to be trained on `data`.

    Class labels give cross-entropy, real targets squared error. A network whose output has
    the input's shape is an autoencoder. Without anything of that the unpruned network
    teaches; it also helps where labels are few.

    Args:
        model: the unpruned network.
        data: training samples.
        distill: learn from the unpruned network; None decides by the labels.

    Raises:
        DataError: the data can not train this network.
    """
    if data.quantized:
        raise DataError(
            "holds raw integers, which a float network can not be trained on",
            where=data.name,
            hint="tell what the integers mean: --x-scale S --x-zero-point Z",
        )
    if len(data) == 0:
        raise DataError("has no training samples", where=data.name)
    shape = tuple(int(n) for n in model.outputs[0].shape[1:])
    output = output_activation(model)
    kind: Kind = "none"
    answers: NDArray[Any] | None = None
    if data.targets is not None:
        kind, answers = "values", data.targets
    elif shape == tuple(model.inputs[0].shape[1:]):
        kind, answers = "values", data.x.astype(np.float32)
    elif data.y is not None:
        kind, answers = _classification(shape, output, data)
    few = (
        data.y is None
        or kind == "values"
        or len(data) < _FEW_LABELS_PER_CLASS * max(2, len(np.unique(data.y)))
    )
    teach = kind == "none" or (few and kind != "values" if distill is None else distill)
    notes: tuple[str, ...] = ()
    if teach:
        said = predict(model, data.x)
        if not np.isfinite(said).all():
            raise DataError("the network answers NaN or infinity to these samples", where=data.name)
        if distill is None and kind in ("softmax", "logits") and (guess := _guesses(said, data)):
            teach, notes = False, (guess,)
    return Objective(kind, answers, model if teach else None, output, notes)


def _guesses(outputs: NDArray[Any], data: Dataset) -> str:
    """Return what to say of a teacher that knows no more than which class is most frequent."""
    assert data.y is not None
    right = float(np.mean(classes_of(outputs) == data.y))
    if right > np.bincount(data.y).max() / len(data.y):
        return ""
    return (
        f"learned from labels alone: the network was right in {right:.1%} of the samples before, "
        "no more often than a guess"
    )


def _classification(
    shape: tuple[int, ...], output: str, data: Dataset
) -> tuple[Kind, NDArray[Any]]:
    assert data.y is not None
    if len(shape) != 1:
        raise DataError(
            f"one label a sample can not train a network that answers {shape}",
            where=data.name,
            hint="give targets of the output's shape as y",
        )
    if output == "sigmoid":
        hot = data.y[:, np.newaxis] if shape[0] == 1 else np.eye(shape[0])[data.y]
        return "sigmoid", hot.astype(np.float32)
    if shape[0] == 1:
        return "values", data.y[:, np.newaxis].astype(np.float32)
    return ("softmax" if output == "softmax" else "logits"), data.y


def output_activation(model: Any) -> str:
    """Return "softmax", "sigmoid" or "linear": what the network's output went through last."""
    layer = model.outputs[0].node.layer
    while type(layer).__name__ in _PASSING:
        layer = layer.inbound_nodes[0].inbound_layers
    if type(layer).__name__ == "Softmax":
        return "softmax"
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return activation if activation in ("softmax", "sigmoid") else "linear"
