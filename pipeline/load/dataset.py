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
        targets: (n, ...) real values a regression network should answer, or None.
    """

    name: str
    x: NDArray[np.generic]
    y: NDArray[np.int64] | None
    quantized: bool
    targets: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, samples: int | slice | NDArray[np.intp]) -> Dataset:
        """Return the first `samples`, or those of a slice or an index array."""
        part = slice(samples) if isinstance(samples, int) else samples
        return Dataset(
            self.name,
            self.x[part],
            None if self.y is None else self.y[part],
            self.quantized,
            None if self.targets is None else self.targets[part],
        )


@dataclass(frozen=True)
class Split:
    """The same data, once to learn and calibrate from and once to judge by."""

    train: Dataset
    test: Dataset


Range = tuple[tuple[float, ...], tuple[float, ...]]
"""Lowest and highest value: one of each, or one for each place along the last axis."""


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives, for one sample.

    Attributes:
        input_shape: without the batch.
        input_dtype: NumPy's name; integers mean a quantised model.
        output_shape: without the batch.
        input_range: what generated inputs are drawn from; None where nothing tells.
    """

    input_shape: tuple[int, ...]
    input_dtype: str
    output_shape: tuple[int, ...]
    input_range: Range | None = None

    @property
    def quantized(self) -> bool:
        """The input is int8, uint8 or int16, as a quantised model has it."""
        return self.input_dtype in ("int8", "uint8", "int16")

    @property
    def classes(self) -> int:
        """Number of classes the output tells apart (2 for a single sigmoid)."""
        last = self.output_shape[-1] if self.output_shape else 1
        return max(int(last), 2)
