"""A Keras 3 layer's configuration -> the equal tf_keras layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from pipeline.errors import ModelError
from pipeline.load.activations import hard_sigmoid, hard_silu
from pipeline.load.tfenv import tf_keras

# Needed for training from scratch with the same regime only; fine-tuning sets its own.
_DROPPED_ENDINGS = ("_initializer", "_regularizer", "_constraint")
_RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}
# What tf_keras's from_config asks for and takes None for; the first call builds the layer.
_ASKED = {"MultiHeadAttention": ("query_shape", "key_shape", "value_shape")}
_WRAPPED = ("layer", "forward_layer", "backward_layer", "backward_layer_config")
_HINT = "use the standard layers of Keras, or export a .tflite file"


def translate(entry: dict[str, Any], where: str) -> Any:
    """Build the tf_keras layer for one layer entry of a Keras 3 configuration.

    Args:
        entry: `{"class_name": ..., "config": {...}}`.
        where: the file, for messages.

    Raises:
        ModelError: tf_keras has no such layer; the layer is named.
    """
    kind = entry["class_name"]
    config = dict(entry["config"])
    name = config.get("name", kind)
    cls = getattr(tf_keras().layers, kind, None)
    if cls is None:
        raise ModelError(
            f"layer type {kind} is unknown", where=f"{where}, layer {name}", hint=_HINT
        )
    for old, new in _RENAMED.get(kind, {}).items():
        if old in config:
            config[new] = config.pop(old)
    if kind == "Lambda":
        raise ModelError(
            "a Lambda layer can not be rebuilt from its configuration",
            where=f"{where}, layer {name}",
            hint=_HINT,
        )
    accepted = _accepted(cls)
    kept = {
        key: _value(key, value, where)
        for key, value in config.items()
        if key in accepted and not key.endswith(_DROPPED_ENDINGS)
    }
    _refuse_activation(kept, f"{where}, layer {name}")
    kept.update(dict.fromkeys(_ASKED.get(kind, ())))
    try:
        return cls.from_config(kept)
    except (TypeError, ValueError, KeyError) as error:
        raise ModelError(
            f"{kind} can not be rebuilt: {_first_line(error)}",
            where=f"{where}, layer {name}",
            hint=_HINT,
        ) from error


def _refuse_activation(config: dict[str, Any], where: str) -> None:
    for key in ("activation", "recurrent_activation"):
        name = config.get(key)
        try:
            tf_keras().activations.get(name)
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"the {key.replace('_', ' ')} {name!r} is unknown to Keras 2, which prunes and "
                "quantises",
                where=where,
                hint=_HINT,
            ) from error


def activation_layer(
    config: dict[str, Any], unique: Callable[[str], str], where: str
) -> Callable[[Any], Any] | None:
    """Take an activation that tf_keras has as a layer only, or not at all, out of `config`.

    Args:
        config: of a Keras 3 layer; its activation becomes linear where one is returned.
        unique: makes a fresh layer name.
        where: the file, for messages.

    Returns:
        what has to be called on the layer's output; None where `config` can stay.
    """
    activation = config.get("activation")
    if isinstance(activation, dict) and activation.get("class_name") == "function":
        activation = activation["config"]
    after: Callable[[Any], Any]
    if isinstance(activation, dict) and "class_name" in activation:  # a layer as activation
        inner = {**activation["config"], "name": unique(f"{config['name']}_activation")}
        after = translate({**activation, "config": inner}, where)
    elif activation == "relu6":
        after = tf_keras().layers.ReLU(max_value=6.0, name=unique(f"{config['name']}_relu6"))
    elif activation == "hard_sigmoid":  # in Keras 2 a function with another slope
        after = hard_sigmoid(unique(f"{config['name']}_hard_sigmoid"))
    elif activation in ("hard_silu", "hard_swish"):
        after = hard_silu(unique(f"{config['name']}_hard_silu"))
    else:
        return None
    config["activation"] = "linear"
    return after


def _value(key: str, value: Any, where: str) -> Any:
    if key == "dtype":
        return _dtype(value)
    if key in _WRAPPED and isinstance(value, dict) and "class_name" in value:
        inner = translate(value, where)
        return {"class_name": value["class_name"], "config": inner.get_config()}
    if isinstance(value, dict) and value.get("class_name") == "function":
        return value["config"]
    return value


def _dtype(value: Any) -> Any:
    """A policy object becomes its name; training is always done in float32."""
    if isinstance(value, dict):
        value = value.get("config", {}).get("name", "float32")
    return "float32" if str(value).startswith(("mixed_", "float16", "bfloat16")) else value


def _accepted(cls: Any) -> set[str]:
    names = {"name", "trainable", "dtype"}
    for parent in cls.__mro__:
        if parent.__name__ == "Layer":
            break
        if "__init__" in vars(parent):
            names.update(inspect.signature(parent.__init__).parameters)
    return names - {"self", "args", "kwargs"}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
