"""Activations that Keras 2 lacks, or means otherwise, in its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.load.tfenv import tf_keras


def hard_sigmoid(name: str) -> Callable[[Any], Any]:
    """Return relu6(x + 3) / 6 in layers: Keras 3's; Keras 2's is another function."""
    layers = tf_keras().layers
    add = layers.Rescaling(1.0, 3.0, name=f"{name}_add_3")
    clip = layers.ReLU(6.0, name=f"{name}_relu6")
    scale = layers.Rescaling(1.0 / 6.0, name=f"{name}_sixth")
    return lambda x: scale(clip(add(x)))


def hard_silu(name: str) -> Callable[[Any], Any]:
    """Return x * relu6(x + 3) / 6 in layers; the converter makes one operator of them."""
    gate = hard_sigmoid(name)
    product = tf_keras().layers.Multiply(name=f"{name}_product")
    return lambda x: product([x, gate(x)])
