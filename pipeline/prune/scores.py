"""How important each neuron is.

L1 and L2: Li et al., Pruning Filters for Efficient ConvNets (2017). Taylor: Molchanov et
al., Importance Estimation for Neural Network Pruning (2019), equation 8, by weights.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import WrongUse
from pipeline.load.tfenv import tensorflow, tf_keras
from pipeline.prune.channels import Analysis
from pipeline.prune.objective import Objective

_SAMPLES = 512
_BATCH = 16


def scores(
    model: Any,
    found: Analysis,
    method: str,
    objective: Objective | None,
    x: NDArray[Any] | None,
) -> dict[int, float]:
    """Return the importance of every set of channels, by its root.

    The scores of a layer are divided by their mean, so that layers count alike whatever the
    size of their weights; a set that several layers make has the mean of their scores.

    Args:
        model: the network.
        found: its analysis.
        method: "l1", "l2", "taylor" or "activation".
        objective, x: data for the last two.

    Raises:
        WrongUse: a method that needs data, and there is none.
    """
    if method in ("l1", "l2"):
        by_layer = _norms(model, found, method)
    else:
        if objective is None or x is None:
            raise WrongUse(f"score={method} needs data", where="--prune", hint="give --data")
        few = np.linspace(0, len(x) - 1, min(_SAMPLES, len(x))).round().astype(np.intp)
        if method == "taylor":
            by_layer = _taylor(model, found, objective, x, few)
        else:
            by_layer = _activations(model, found, x[few])
    collected: dict[int, list[float]] = defaultdict(list)
    for ids, values in by_layer:
        mean = float(values.mean())
        scaled = values / mean if mean > 0.0 else values
        for root, value in zip(found.roots(ids).tolist(), scaled.tolist(), strict=True):
            collected[root].append(value)
    return {root: sum(values) / len(values) for root, values in collected.items()}


ByLayer = list[tuple[NDArray[np.int64], NDArray[np.float64]]]


def _kernel(layer: Any) -> Any:
    return layer.pointwise_kernel if hasattr(layer, "pointwise_kernel") else layer.kernel


def _per_channel(layer: Any, values: NDArray[Any]) -> NDArray[np.float64]:
    """Sum values of the kernel's shape over all but the axis of the output channels."""
    axis = values.ndim - (2 if type(layer).__name__ == "Conv2DTranspose" else 1)
    others = tuple(i for i in range(values.ndim) if i != axis)
    total: NDArray[np.float64] = values.astype(np.float64).sum(axis=others)
    return total


def _norms(model: Any, found: Analysis, method: str) -> ByLayer:
    result: ByLayer = []
    for name in found.producers:
        layer = model.get_layer(name)
        kernel = _kernel(layer).numpy()
        if method == "l1":
            values = _per_channel(layer, np.abs(kernel))
        else:
            values = np.sqrt(_per_channel(layer, np.square(kernel)))
        result.append((found.uses[name].outputs, values))
    return result


def _taylor(
    model: Any, found: Analysis, objective: Objective, x: NDArray[Any], few: NDArray[np.intp]
) -> ByLayer:
    tf = tensorflow()
    layers = [model.get_layer(name) for name in found.producers]
    kernels = [_kernel(layer) for layer in layers]
    totals = [np.zeros(len(found.uses[name].outputs)) for name in found.producers]

    def gradients(samples: Any, answers: Any) -> Any:
        taught = None if objective.teacher is None else objective.teacher(samples, training=False)
        with tf.GradientTape() as tape:
            loss = objective.loss(model(samples, training=False), answers, taught)
        return tape.gradient(loss, kernels)

    step = tf.function(gradients, reduce_retracing=True)
    nothing = np.zeros(len(x), np.float32)
    answers = nothing if objective.answers is None else objective.answers
    for start in range(0, len(few), _BATCH):
        part = few[start : start + _BATCH]
        for index, gradient in enumerate(step(x[part], answers[part])):
            product = kernels[index].numpy() * np.asarray(gradient)
            totals[index] += np.square(_per_channel(layers[index], product))
    return [
        (found.uses[name].outputs, total)
        for name, total in zip(found.producers, totals, strict=True)
    ]


def _activations(model: Any, found: Analysis, x: NDArray[Any]) -> ByLayer:
    """Mean absolute values as the layers that read them see them."""
    readers = [name for name in found.consumers if name in found.uses]
    tensors = [model.get_layer(name).get_input_at(0) for name in readers]
    probe = tf_keras().Model(model.inputs, tensors)
    values = probe(x, training=False)
    values = values if isinstance(values, (list, tuple)) else [values]
    result: ByLayer = []
    for name, value in zip(readers, values, strict=True):
        size = np.abs(np.asarray(value, dtype=np.float64))
        result.append((found.uses[name].inputs, size.mean(axis=tuple(range(size.ndim - 1)))))
    return result
