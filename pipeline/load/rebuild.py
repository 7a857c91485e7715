"""Rebuild a network as a flat, functional tf_keras model with the same weights.

Reads Keras 3 networks and old Keras 2 ones. Networks inside networks are laid out flat:
pruning and quantisation-aware training look at layers and do not descend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.errors import ModelError
from pipeline.load.layers import activation_layer, translate
from pipeline.load.nodes import Call, Ref, calls_in_order, layer_name, references, replace
from pipeline.load.operations import call_operation, is_operation
from pipeline.load.tfenv import tf_keras

_NETWORKS = ("Functional", "Sequential", "Model")


def rebuild(model: Any, where: str, *, keras3: bool) -> Any:
    """Return a functional tf_keras model that computes what `model` does.

    Args:
        model: a loaded Keras 3 or tf_keras network.
        where: the file, for messages.
        keras3: which of the two `model` is.

    Raises:
        ModelError: a layer has no counterpart, or takes weights of another shape.
    """
    return _Builder(where, keras3).build(model)


def has_networks_inside(model: Any) -> bool:
    """Whether a layer of `model` is a network itself."""
    return any(type(layer).__name__ in _NETWORKS for layer in model.layers)


class _Builder:
    """Builds layer by layer; a layer used twice is built once and called twice."""

    def __init__(self, where: str, keras3: bool) -> None:
        self._where = where
        self._keras3 = keras3
        self._built: dict[int, list[Any]] = {}  # id of the source layer -> new layers, in a row
        self._sources: list[tuple[Any, Any]] = []
        self._names: set[str] = set()

    def build(self, model: Any) -> Any:
        keras = tf_keras()
        inputs = [
            keras.Input(tuple(t.shape)[1:], dtype=_dtype_name(t.dtype), name=f"input_{i + 1}")
            for i, t in enumerate(model.inputs)
        ]
        self._names.update(t.name for t in inputs)
        outputs = self._run(model, inputs)
        network = keras.Model(inputs, outputs, name=model.name)
        for source, layer in self._sources:
            _copy_weights(source, layer, self._where)
        return network

    def _run(self, model: Any, inputs: list[Any]) -> list[Any]:
        """Call all layers of `model`, a network, on `inputs`; return its outputs."""
        if type(model).__name__ == "Sequential":
            tensor = inputs[0]
            config = {entry["config"]["name"]: entry for entry in model.get_config()["layers"]}
            for layer in model.layers:
                if type(layer).__name__ != "InputLayer":
                    tensor = self._call(layer, config.get(layer.name), Call((tensor,), {}))
            return [tensor]
        config = model.get_config()
        # Keras 3's list of layers leaves out the operations between them.
        layers = {node.name: node for node in getattr(model, "operations", model.layers)}
        tensors: dict[Ref, Any] = {}
        for ref, tensor in zip(references(config["input_layers"]), inputs, strict=True):
            tensors[ref] = tensor
        try:
            ordered = calls_in_order(config)
        except ValueError as error:
            raise ModelError(str(error), where=self._where) from error
        for entry, index, call in ordered:
            ready = Call(
                replace(call.args, tensors.__getitem__), replace(call.kwargs, tensors.__getitem__)
            )
            name = layer_name(entry)
            result = self._call(layers[name], entry, ready)
            results = result if isinstance(result, (list, tuple)) else [result]
            tensors.update({Ref(name, index, i): t for i, t in enumerate(results)})
        return [tensors[ref] for ref in references(config["output_layers"])]

    def _call(self, layer: Any, entry: dict[str, Any] | None, call: Call) -> Any:
        if type(layer).__name__ in _NETWORKS:
            first = call.args[0]
            outputs = self._run(layer, list(first) if isinstance(first, (list, tuple)) else [first])
            return outputs[0] if len(outputs) == 1 else outputs
        if is_operation(layer) and entry is not None:
            return call_operation(entry, call, self._unique(layer.name), self._where)
        if id(layer) not in self._built:
            self._built[id(layer)] = self._make(layer, entry)
        result, kwargs = call.args, call.kwargs
        for new in self._built[id(layer)]:
            try:
                result = (new(*result, **kwargs),)
            except (TypeError, ValueError) as error:
                reason = str(error).strip().splitlines()[0]
                raise ModelError(
                    f"can not be called as the file says: {reason}",
                    where=f"{self._where}, layer {layer.name}",
                ) from error
            kwargs = {}
        return result[0]

    def _make(self, layer: Any, entry: dict[str, Any] | None) -> list[Any]:
        keras = tf_keras()
        config = dict(entry["config"] if entry else layer.get_config())
        config["name"] = self._unique(layer.name)
        kind = type(layer).__name__
        after: Callable[[Any], Any] | None = None
        if not self._keras3:
            new = type(layer).from_config(config)
        elif kind == "Lambda":  # reached only where the file is trusted
            new = keras.layers.Lambda(layer.function, name=config["name"])
        else:
            after = activation_layer(config, self._unique, self._where)
            new = translate({"class_name": kind, "config": config}, self._where)
        self._sources.append((layer, new))
        return [new] if after is None else [new, after]

    def _unique(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self._names:
            number += 1
            candidate = f"{name}_{number}"
        self._names.add(candidate)
        return candidate


def _dtype_name(dtype: Any) -> str:
    return dtype if isinstance(dtype, str) else str(dtype.name)


def _copy_weights(source: Any, layer: Any, where: str) -> None:
    values = source.get_weights()
    if type(source).__name__ == "Normalization" and len(values) != len(layer.weights):
        values = [*values, 0][: len(layer.weights)]  # tf_keras counts the samples it has seen
    try:
        layer.set_weights(values)
    except ValueError as error:
        raise ModelError(
            "its weights do not have the shapes that tf_keras gives this layer",
            where=f"{where}, layer {source.name}",
            hint="export a .tflite file instead",
        ) from error
