"""Batch normalisation's statistics, taken anew from real samples after training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.load.tfenv import tensorflow
from pipeline.prune.dropout import dropout_layers
from pipeline.prune.objective import Objective

_SAMPLES = 1024
_BATCH = 128


def recalibrate(model: Any, objective: Objective, x: NDArray[Any]) -> None:
    """Set the moving means and variances of `model` to those of `x`, where that helps.

    Pruning changes them faster than their moving averages follow, and blended samples
    have other ones than real samples. The old ones are kept where the loss is lower.

    Args:
        model: changed in place.
        objective: by whose loss on `x` it is decided.
        x: (n, ...) training samples.
    """
    layers = [la for la in model.layers if type(la).__name__ == "BatchNormalization"]
    if not layers or len(x) < 2:
        return
    few = np.linspace(0, len(x) - 1, min(_SAMPLES, len(x))).round().astype(np.intp)
    before_loss, before = _loss(model, objective, x, few), model.get_weights()
    momenta = [layer.momentum for layer in layers]
    dropouts = {layer: layer.rate for layer in dropout_layers(model)}
    # Interleaved, so that every batch has samples from all over the data set.
    parts = [few[i :: max(1, len(few) // _BATCH)] for i in range(max(1, len(few) // _BATCH))]
    try:
        for dropout in dropouts:
            dropout.rate = 0.0
        for index, part in enumerate(parts):
            for layer in layers:
                layer.momentum = index / (index + 1)  # the mean over all batches so far
            model(tensorflow().constant(x[part]), training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for dropout, rate in dropouts.items():
            dropout.rate = rate
    if not _loss(model, objective, x, few) < before_loss:
        model.set_weights(before)


def _loss(model: Any, objective: Objective, x: NDArray[Any], few: NDArray[np.intp]) -> float:
    tf = tensorflow()
    samples = tf.constant(x[few])
    answers = np.zeros(len(few)) if objective.answers is None else objective.answers[few]
    taught = None if objective.teacher is None else objective.teacher(samples, training=False)
    return float(objective.loss(model(samples, training=False), tf.constant(answers), taught))
