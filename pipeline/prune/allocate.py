"""Sharing out a sparsity among layers, so that each loses what it can best spare.

Lee et al.: Layer-adaptive Sparsity for the Magnitude-based Pruning (LAMP, 2021). A weight's
score is its square, divided by the sum of the squares of the weights in its layer that are
at least as large: the share of what would be left of the layer. Scores compare across layers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A layer without any weights left would cut the network in two.
_LEFT = 0.02


def lamp(weights: dict[str, NDArray[np.float64]], sparsity: float) -> dict[str, float]:
    """Return each layer's sparsity when `sparsity` of all weights go by the lowest score.

    Args:
        weights: flat weights of each layer, by name.
        sparsity: 0..1 of all of them.
    """
    if not weights:
        return {}
    scores = {name: _scores(values) for name, values in weights.items()}
    protected = {name: len(s) - int(np.ceil(len(s) * _LEFT)) for name, s in scores.items()}
    # The largest weights of each layer are no candidates; scores come in ascending order.
    pool = np.concatenate([s[: protected[name]] for name, s in scores.items()])
    total = sum(len(s) for s in scores.values())
    count = min(round(total * sparsity), len(pool))
    if count == 0:
        return dict.fromkeys(weights, 0.0)
    threshold = np.partition(pool, count - 1)[count - 1]
    return {
        name: float(np.sum(s[: protected[name]] <= threshold)) / len(s)
        for name, s in scores.items()
    }


def _scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scores of a layer's weights, ascending."""
    squares = np.sort(np.square(values))
    rest = np.cumsum(squares[::-1])[::-1]
    return squares / np.where(rest > 0.0, rest, 1.0)
