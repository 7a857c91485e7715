"""Declared sizes against the file: a layer can't have more weights than the file holds.

Keras makes a network's variables before it reads the weights, so that a number in a
configuration is enough to ask for all the memory there is. The sizes here are lower bounds:
what they refuse could not have been loaded anyway.
"""

from __future__ import annotations

import math
from typing import Any

from pipeline.errors import ModelError
from pipeline.load import limits
from pipeline.load.names import printable

# Sizes that show in the weights' shapes; each alone is a lower bound for the layer's weights.
_COUNTS = ("units", "filters", "input_dim", "output_dim", "num_heads", "key_dim", "value_dim")
_RECURRENT = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3, "SimpleRNN": 1, "SimpleRNNCell": 1}
# Sizes that show in the tensors between layers.
_SHAPES = ("size", "padding", "target_shape", "batch_shape", "batch_input_shape", "n", "height",
           "width", "num_tokens", "cropping", "output_padding")  # fmt: skip


def check_sizes(config: Any, values: int, where: str) -> None:
    """Compare a configuration's sizes with the number of values the file holds.

    Args:
        config: clean, see `pipeline.load.safety`.
        values: numbers in all the file's arrays.
        where: the file.

    Raises:
        ModelError: a layer declares more weights, or a tensor is larger than
            `limits.TENSOR`; the layer is named.
    """
    counted = 0
    stack = [config]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(item for item in node if isinstance(item, (dict, list)))
        elif isinstance(node, dict):
            stack.extend(item for item in node.values() if isinstance(item, (dict, list)))
            inner = node.get("config")
            if isinstance(node.get("class_name"), str) and isinstance(inner, dict):
                counted += 1
                _check_layer(node["class_name"], inner, values, where)
    if counted > limits.MEMBERS:
        raise ModelError(f"the network has {counted:,} parts", where=where)


def _check_layer(kind: str, config: dict[str, Any], values: int, where: str) -> None:
    place = f"{where}, layer {printable(config.get('name', kind))}"
    needed = _weights(kind, config)
    if needed > values:
        raise ModelError(
            f"a {kind} like this has at least {needed:,} weights, the file holds {values:,}",
            where=place,
        )
    for key in _SHAPES:
        size = _product(config.get(key))
        if size > limits.TENSOR:
            raise ModelError(f"a {kind} with a {key} of {size:,} values is too large", where=place)


def _weights(kind: str, config: dict[str, Any]) -> int:
    sizes = [_product(config.get(key)) for key in _COUNTS if config.get(key) is not None]
    needed = max(sizes, default=0)
    if kind in _RECURRENT:
        units = _product(config.get("units"))
        return max(needed, _RECURRENT[kind] * units * units)
    if kind == "Embedding":
        return max(needed, _product(config.get("input_dim")) * _product(config.get("output_dim")))
    kernel = _product(config.get("kernel_size")) if "kernel_size" in config else 0
    if kind.startswith("Conv"):
        return max(needed, kernel * max(1, _product(config.get("filters"))))
    return max(needed, kernel if "Conv" in kind else 0)


def _product(value: Any) -> int:
    """Multiply the absolute integers of a nested list; what is open or no number counts as 1."""
    if isinstance(value, list):
        return math.prod(_product(item) or 1 for item in value[:64])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 1
    if isinstance(value, float):
        return int(min(abs(value), 2.0**63)) if math.isfinite(value) else 1 << 63
    return abs(value)
