"""Dataset: samples and their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Dataset:
    """Samples for training, calibration and measuring.

    `x` holds real values (what the float network takes), or, where `quantized` is set,
    integers of the model's own input type that are sent as they are.

    Attributes:
        name: file name, or the name of a built-in set.
        x: (n, ...) samples; one sample has the model's input shape without the batch.
        y: (n,) class indices, or None where there are no labels.
        quantized: x are raw input tensors of an integer model.
    """

    name: str
    x: NDArray[np.generic]
    y: NDArray[np.int64] | None
    quantized: bool
