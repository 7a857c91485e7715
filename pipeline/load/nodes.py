"""The calls a Keras configuration holds, read from Keras 2's and Keras 3's notations alike.

A functional network's configuration lists its layers, and for each layer the calls made
to it ("inbound nodes") with their arguments. References to another call's output are
`__keras_tensor__` objects in Keras 3 and `[layer, call, tensor, kwargs]` lists in Keras 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ref:
    """The output `tensor` of the `call`-th call of `layer`."""

    layer: str
    call: int
    tensor: int


@dataclass(frozen=True)
class Call:
    """One call of a layer; `Ref`s stand for tensors anywhere in the arguments."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def calls_of(layer: dict[str, Any]) -> list[Call]:
    """Return the calls made to a layer of a functional network's configuration."""
    return [_call(node) for node in layer.get("inbound_nodes", [])]


def _call(node: Any) -> Call:
    if isinstance(node, dict):  # Keras 3
        args = tuple(_keras3(arg) for arg in node.get("args", ()))
        kwargs = {key: _keras3(value) for key, value in node.get("kwargs", {}).items()}
        # Augmenting layers note their default here; Keras 3 lets the network's call decide.
        if kwargs.get("training") is True:
            del kwargs["training"]
        return Call(args, {key: value for key, value in kwargs.items() if value is not None})
    return _keras2(node)


def _keras3(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            name, call, tensor = value["config"]["keras_history"]
            return Ref(name, call, tensor)
        return {key: _keras3(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_keras3(item) for item in value]
    return value


def _keras2(node: list[Any]) -> Call:
    if node and isinstance(node[0], str):  # a single tensor without the outer list
        node = [node]
    kwargs = dict(node[0][3]) if node and len(node[0]) > 3 else {}
    tensors = [item[2] if item[0] == "_CONSTANT_VALUE" else Ref(*item[:3]) for item in node]
    named = {
        key: Ref(*value[:3]) if _is_reference(value) else value for key, value in kwargs.items()
    }
    first = tensors[0] if len(tensors) == 1 else tensors
    return Call((first,), {key: value for key, value in named.items() if value is not None})


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and all(isinstance(n, int) for n in value[1:3])
    )


def references(spec: Any) -> list[Ref]:
    """Read `input_layers` or `output_layers`: one reference or a list of them."""
    if isinstance(spec, dict):
        spec = list(spec.values())
    if spec and isinstance(spec[0], str):
        spec = [spec]
    return [Ref(*item[:3]) for item in spec]


def replace(value: Any, tensor_of: Callable[[Ref], Any]) -> Any:
    """Put tensors in the place of references, anywhere in a structure of arguments."""
    if isinstance(value, Ref):
        return tensor_of(value)
    if isinstance(value, list):
        return [replace(item, tensor_of) for item in value]
    if isinstance(value, tuple):
        return tuple(replace(item, tensor_of) for item in value)
    if isinstance(value, dict):
        return {key: replace(item, tensor_of) for key, item in value.items()}
    return value


def refs_in(call: Call) -> list[Ref]:
    """Return the references among a call's arguments, in their order."""
    found: list[Ref] = []

    def note(ref: Ref) -> Ref:
        found.append(ref)
        return ref

    replace(call.args, note)
    replace(call.kwargs, note)
    return found


def calls_in_order(config: dict[str, Any]) -> list[tuple[dict[str, Any], int, Call]]:
    """Return all calls of a functional configuration, each after the calls it depends on.

    Returns:
        (layer entry, number of the call to this layer, call).

    Raises:
        ValueError: the calls depend on each other in a circle.
    """
    ready = set(references(config["input_layers"]))
    made = {(ref.layer, ref.call) for ref in ready}
    waiting = [
        (entry, index, call)
        for entry in config["layers"]
        for index, call in enumerate(calls_of(entry))
    ]
    ordered: list[tuple[dict[str, Any], int, Call]] = []
    while waiting:
        left = []
        for entry, index, call in waiting:
            if all((ref.layer, ref.call) in made for ref in refs_in(call)):
                ordered.append((entry, index, call))
                made.add((layer_name(entry), index))
            else:
                left.append((entry, index, call))
        if len(left) == len(waiting):
            raise ValueError("the graph of layers is broken")
        waiting = left
    return ordered


def layer_name(entry: dict[str, Any]) -> str:
    """Return the name of a layer entry in either notation."""
    return str(entry.get("name") or entry["config"]["name"])
