"""What layers that scale and shift each channel do at inference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Affine = tuple[NDArray[np.float32], NDArray[np.float32]]
"""factor (c,) and offset (c,): x * factor + offset for each channel."""


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
