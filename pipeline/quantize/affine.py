"""Layers that scale and shift each channel: what they do, and which of them fold away."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.load.nodes import calls_in_order, layer_name, references, refs_in

_FOLDABLE = ("Conv1D", "Conv2D", "DepthwiseConv2D", "Dense")

Affine = tuple[NDArray[np.float32], NDArray[np.float32]]
"""factor (c,) and offset (c,): x * factor + offset for each channel."""


def foldable(model: Any) -> dict[str, str]:
    """Return layer -> the batch normalisation behind it that can be folded into its weights."""
    config = model.get_config()
    ordered = calls_in_order(config)
    readers = Counter(ref for _, _, call in ordered for ref in refs_in(call))
    readers.update(references(config["output_layers"]))
    calls = Counter(layer_name(entry) for entry, _, _ in ordered)
    folds = {}
    for entry, _, call in ordered:
        if entry["class_name"] != "BatchNormalization":
            continue
        (ref,) = refs_in(call)
        before = model.get_layer(ref.layer)
        linear = getattr(getattr(before, "activation", None), "__name__", "") == "linear"
        if (
            type(before).__name__ in _FOLDABLE
            and linear
            and readers[ref] == 1
            and calls[ref.layer] == calls[layer_name(entry)] == 1
        ):
            folds[ref.layer] = layer_name(entry)
    return folds


def normalisation(layer: Any) -> Affine:
    """Return what a BatchNormalization does at inference."""
    mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    factor = 1.0 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        factor = factor * layer.gamma.numpy()
    offset = -mean * factor + (layer.beta.numpy() if layer.center else 0.0)
    return factor.astype(np.float32), offset.astype(np.float32)


def standardising(layer: Any) -> Affine:
    """Return what a Normalization does."""
    mean = np.asarray(layer.mean, np.float32).reshape(-1)
    deviation = np.sqrt(np.asarray(layer.variance, np.float32)).reshape(-1)
    factor = (1.0 / np.maximum(deviation, 1e-7)).astype(np.float32)
    return factor, (-mean * factor).astype(np.float32)
