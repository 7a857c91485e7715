"""Dropout in a network that pruning has made smaller.

Han, Pool, Tran, Dally: Learning both Weights and Connections for Efficient Neural Networks
(2015), section 3.2: what is left of a network overfits less, so that dropout, as strong as
before, costs it accuracy; its rate goes down with the square root of the connections left.
"""

from __future__ import annotations

import math
from typing import Any


def adapt_dropout(model: Any, unpruned: Any, left: float) -> None:
    """Set the rates of all dropout layers of `model`, in place.

    Args:
        model: a copy of `unpruned`, or of a part of it; layers go by name.
        unpruned: has the rates for all connections.
        left: share of the connections that is left, 0..1.
    """
    rates = {layer.name: layer.rate for layer in dropout_layers(unpruned)}
    for layer in dropout_layers(model):
        if layer.name in rates:
            layer.rate = rates[layer.name] * math.sqrt(left)


def dropout_layers(model: Any) -> list[Any]:
    """Return the layers of `model` that drop something while it is trained."""
    return [layer for layer in model.layers if hasattr(layer, "rate")]
