"""The area under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def area_under_curve(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """Area under the ROC curve: one class against the others, averaged over the classes.

    Args:
        scores: (n, classes); with one or two columns the last one is the score of class 1.
        labels: (n,) class indices.

    Returns:
        0..1, or None where a class is missing from the labels.
    """
    if scores.shape[1] <= 2:
        return _binary(scores[:, -1], labels == 1)
    areas = [_binary(scores[:, c], labels == c) for c in range(scores.shape[1])]
    known = [area for area in areas if area is not None]
    return float(np.mean(known)) if len(known) == len(areas) else None


def _binary(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float | None:
    """By ranks (Mann and Whitney 1947); equal scores share theirs."""
    many, few = int(positive.sum()), int((~positive).sum())
    if not many or not few:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - many * (many + 1) / 2) / (many * few))
