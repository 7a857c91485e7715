"""What values a network expects of its input: told by its first layers.

A network that divides by 255 expects pixels, one with an Embedding indices. Generated inputs
are drawn from there: then activations, and what an inference costs, are like those of real
data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.load.dataset import Range

_PASSING = frozenset(
    {
        "Activity", "CenterCrop", "Dropout", "Flatten", "GaussianNoise", "InputLayer", "Permute",
        "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomRotation",
        "RandomTranslation", "RandomZoom", "Reshape", "Resizing", "ZeroPadding1D", "ZeroPadding2D",
    }
)  # fmt: skip
"""Layers that leave the range of values as it is."""
_DEVIATIONS = 2.0


def expected_range(model: Any) -> Range | None:
    """(lowest, highest) value of the input, one for all or one for each place along its last axis.

    Args:
        model: a functional or sequential tf_keras model with one input.

    Returns:
        None where the first layers do not tell.
    """
    for layer in _chain(model):
        kind = type(layer).__name__
        if kind in _PASSING:
            continue
        if kind == "Embedding":
            return (0.0,), (float(layer.input_dim - 1),)
        if kind == "Rescaling":
            return _rescaling(layer)
        if kind == "Normalization":
            return _around(layer.mean, layer.variance)
        if kind == "BatchNormalization":
            return _around(layer.moving_mean, layer.moving_variance)
        return None
    return None


def _chain(model: Any) -> list[Any]:
    """The layers from the input on while there is one way to go; nested models opened."""
    found: list[Any] = []
    for layer in model.layers:
        if hasattr(layer, "layers"):
            return [*found, *_chain(layer)]
        found.append(layer)
        if type(layer).__name__ not in _PASSING:
            break
    return found


def _rescaling(layer: Any) -> Range | None:
    scale, offset = (np.ravel(np.asarray(v, np.float64)) for v in (layer.scale, layer.offset))
    if np.any(scale == 0):
        return None
    # x * scale + offset is meant to lie in 0..1, or around zero where the offset shifts it.
    low = np.where(offset < 0, -np.abs(offset), 0.0)
    high = np.where(offset < 0, np.abs(offset), 1.0)
    ends = np.stack(np.broadcast_arrays((low - offset) / scale, (high - offset) / scale))
    return _range(ends.min(axis=0), ends.max(axis=0))


def _around(mean: Any, variance: Any) -> Range | None:
    middle = np.ravel(np.asarray(mean, np.float64))
    spread = _DEVIATIONS * np.sqrt(np.maximum(np.ravel(np.asarray(variance, np.float64)), 0.0))
    return _range(middle - spread, middle + spread)


def _range(low: NDArray[np.float64], high: NDArray[np.float64]) -> Range | None:
    if not np.isfinite(low).all() or not np.isfinite(high).all() or np.all(low == high):
        return None
    return tuple(low.tolist()), tuple(high.tolist())
