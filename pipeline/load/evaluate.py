"""How good a float network is on labelled samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.load.dataset import Dataset
from pipeline.load.network import Network

_BATCH = 256


def predict(model: Any, x: NDArray[Any]) -> NDArray[np.float32]:
    """Run a Keras model on `x` (n, ...), batch by batch; returns its outputs (n, ...)."""
    parts = [np.asarray(model(x[i : i + _BATCH], training=False)) for i in range(0, len(x), _BATCH)]
    return np.concatenate(parts).astype(np.float32)


def classes_of(outputs: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class each row of outputs (n, ...) stands for.

    The largest output wins, the first of equal ones; a single output is the probability of
    class 1.
    """
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] == 1:
        return (flat[:, 0] > 0.5).astype(np.int64)
    largest: NDArray[np.int64] = np.argmax(flat, axis=1).astype(np.int64)
    return largest


def evaluate(network: Network, data: Dataset) -> float | None:
    """Return the fraction of samples that `network` gets right; None without labels."""
    if data.y is None:
        return None
    return float(np.mean(classes_of(predict(network.keras, data.x)) == data.y))
