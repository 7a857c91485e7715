"""Reading a Keras configuration without believing it.

Everything that a configuration names is held against the lists of `pipeline.load.allowed`
before Keras sees it, and what Keras sees is a copy with the known parts alone: no optimizer,
loss or metric, no initializer (the weights come from the file), nothing that stands where
no layer belongs. Strings are text and never a configuration of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from pipeline.errors import ModelError
from pipeline.load import allowed
from pipeline.load.names import printable

TRUST = "--trust loads it all the same and runs its code; do that only with files you trust"
_STANDARD = "use the standard layers of Keras, or export a .tflite file"
_DEEPEST = 100
_LONGEST = 2000
_ZEROS = {"class_name": "Zeros", "config": {}}
# Parts of an entry that are kept; Keras reads no others to build a network.
_PARTS = (
    "class_name", "config", "module", "registered_name", "name", "inbound_nodes",
    "build_config", "build_input_shape", "shared_object_id",
)  # fmt: skip
# Where in a configuration a layer or a network may stand.
_LAYER_PLACES = frozenset(
    {"", "layers", "layer", "forward_layer", "backward_layer", "backward_layer_config", "cell",
     "cells"}
)  # fmt: skip
# Parts of a file's root that training needs and reading does not.
_TRAINING = frozenset({"compile_config", "training_config", "optimizer", "loss", "metrics"})


def refuse_code(config: Any, where: str) -> Any:
    """Return a copy of a Keras configuration in which everything named is on the allow lists.

    Args:
        config: the configuration, as JSON gave it.
        where: the file.

    Raises:
        ModelError: code, an unknown layer, function or class, or a form that Keras does not
            write; the layer is named, and nothing has been executed.
    """
    return _Reader(where).value(config, "", "", 0)


class _Reader:
    def __init__(self, where: str) -> None:
        self._where = printable(where)

    def refuse(self, layer: str, reason: str, hint: str = TRUST) -> NoReturn:
        place = f"{self._where}, layer {printable(layer)}" if layer else self._where
        raise ModelError(reason, where=place, hint=hint)

    def value(self, value: Any, key: str, layer: str, depth: int, calls: bool = False) -> Any:
        """Return a clean copy of any value; `calls` inside the arguments of calls."""
        if depth > _DEEPEST:
            self.refuse(layer, f"the configuration is nested more than {_DEEPEST} deep", "")
        if isinstance(value, str):
            return self._text(value, key, layer, calls)
        if isinstance(value, list):
            return [self.value(item, key, layer, depth + 1, calls) for item in value]
        if isinstance(value, dict):
            if "class_name" in value:
                return self._object(value, key, layer, depth, calls)
            return {
                self._key(name, layer): self.value(
                    item, name, layer, depth + 1, calls or name == "inbound_nodes"
                )
                for name, item in value.items()
                if not (depth == 0 and name in _TRAINING)
            }
        return value  # None, a truth value or a number: JSON has no others

    def _key(self, key: str, layer: str) -> str:
        if len(key) > _LONGEST or not key.isprintable():
            self.refuse(layer, f"the name {printable(key)} is no text", "")
        return key

    def _text(self, text: str, key: str, layer: str, calls: bool) -> str:
        if len(text) > _LONGEST or not text.isprintable():
            self.refuse(
                layer, f"{printable(key) or 'it'} is no text but {printable(text, 60)!r}", ""
            )
        if text.lstrip()[:1] in ("{", "["):
            self.refuse(layer, f"{printable(key) or 'it'} holds a configuration inside a string")
        if calls:
            return text  # an argument of an allowed function, or the name of a layer
        if key in _LAYER_PLACES and key:
            self.refuse(layer, f"{printable(text, 60)!r} stands where a layer belongs", "")
        known: frozenset[str] | None = None
        kind = ""
        if key.endswith("activation"):
            known, kind = allowed.ACTIVATIONS, "activation"
        elif key.endswith("initializer"):
            return (
                "zeros"
                if text in allowed.INITIALIZERS
                else self._unknown("initializer", text, layer)
            )
        elif key.endswith("regularizer"):
            known, kind = allowed.REGULARIZERS, "regularizer"
        elif key.endswith("constraint"):
            known, kind = allowed.CONSTRAINTS, "constraint"
        elif key in ("dtype", "variable_dtype", "compute_dtype"):
            known, kind = allowed.DTYPES, "type"
        elif key in ("function", "fn"):
            self.refuse(layer, f"the layer calls the function {printable(text, 60)}")
        if known is not None and text not in known:
            self._unknown(kind, text, layer)
        return text

    def _unknown(self, kind: str, text: str, layer: str) -> NoReturn:
        self.refuse(layer, f"the {kind} {printable(text, 60)!r} is unknown", _STANDARD)

    def _object(self, node: dict[str, Any], key: str, layer: str, depth: int, calls: bool) -> Any:
        kind, inner = node["class_name"], node.get("config")
        if not isinstance(kind, str):
            self.refuse(layer, "a class has no name", "")
        if isinstance(inner, dict) and isinstance(inner.get("name"), str) and not calls:
            layer = inner["name"] or layer
        special = _SPECIAL.get(kind)
        if special is not None:
            return special(self, node, layer, depth)
        self._origin(node, kind, layer)
        if calls:
            self.refuse(layer, f"a {printable(kind)} stands among the arguments of a call")
        if key.endswith("initializer"):
            self._listed(kind, allowed.INITIALIZERS, "initializer", layer)
            self.value(inner, "config", layer, depth + 1)
            return dict(_ZEROS)
        if key.endswith("activation"):
            return self._activation(node, kind, layer, depth)
        for ending, known in (
            ("regularizer", allowed.REGULARIZERS),
            ("constraint", allowed.CONSTRAINTS),
            ("dtype", allowed.POLICIES),
        ):
            if key.endswith(ending):
                self._listed(kind, known, ending, layer)
                return self._entry(node, layer, depth)
        if kind == "function":
            self.refuse(layer, f"the layer calls the function {printable(inner, 60)}")
        if key not in _LAYER_PLACES:
            self.refuse(layer, f"a {printable(kind)} stands as {printable(key)}")
        self._layer(node, kind, layer)
        return self._entry(node, layer, depth)

    def _origin(self, node: dict[str, Any], kind: str, layer: str) -> None:
        """Refuse classes and functions from outside of Keras."""
        module, registered = node.get("module"), node.get("registered_name")
        if kind == "Lambda":
            self.refuse(layer, "a Lambda layer carries Python code")
        if kind == "__lambda__":
            self.refuse(layer, f"{kind} carries Python code")
        name = printable(kind)
        builtin = module == "builtins" and kind == "function"
        known = isinstance(module, str) and allowed.is_keras(module)
        if module is not None and not builtin and not known:
            self.refuse(layer, f"{name} is code of the module {printable(module)}")
        if ">" in kind:
            self.refuse(layer, f"{name} is custom code")
        # Keras notes the name of a function there, too.
        own = kind == "function" and registered == node.get("config")
        if registered not in (None, kind, f"Keras>{kind}") and not own:
            self.refuse(layer, f"{name} is custom code ({printable(registered)})")

    def _listed(self, kind: str, known: frozenset[str], what: str, layer: str) -> None:
        if kind not in known:
            self.refuse(layer, f"the {what} {printable(kind)} is unknown", _STANDARD)

    def _activation(self, node: dict[str, Any], kind: str, layer: str, depth: int) -> Any:
        if kind == "function":
            name = node.get("config")
            if not isinstance(name, str) or name not in allowed.ACTIVATIONS:
                self._unknown("activation", str(name), layer)
            return name
        if kind not in allowed.ACTIVATION_LAYERS:
            if kind == "Activation":  # its function is checked like any other
                return self._entry(node, layer, depth)
            self.refuse(layer, f"the activation {printable(kind)} is unknown", _STANDARD)
        return self._entry(node, layer, depth)

    def _layer(self, node: dict[str, Any], kind: str, layer: str) -> None:
        module = node.get("module") or ""
        operation = ".ops" in module or (kind in allowed.OPERATIONS and kind not in allowed.LAYERS)
        if operation:
            if kind not in allowed.OPERATIONS:
                raise ModelError(
                    f"the operation {printable(kind)} is unknown",
                    where=f"{self._where}, operation {printable(layer)}",
                    hint=_STANDARD,
                )
        elif kind not in allowed.LAYERS and kind not in allowed.NETWORKS:
            self.refuse(layer, f"layer type {printable(kind)} is unknown", _STANDARD)
        if kind in ("TFOpLambda", "SlicingOpLambda"):
            inner = node.get("config")
            function = inner.get("function") if isinstance(inner, dict) else None
            if not isinstance(function, str) or function not in allowed.FUNCTIONS:
                self.refuse(layer, f"the layer calls tf.{printable(function, 100)}")

    def _entry(self, node: dict[str, Any], layer: str, depth: int) -> dict[str, Any]:
        kind = node["class_name"]
        calls_function = kind in ("TFOpLambda", "SlicingOpLambda")
        kept: dict[str, Any] = {}
        for part in _PARTS:
            if part not in node:
                continue
            value = node[part]
            if part in ("class_name", "module", "registered_name"):
                kept[part] = value
            elif part == "shared_object_id":
                if not isinstance(value, int):
                    self.refuse(layer, "a shared object has no number", "")
                kept[part] = value
            elif part == "config" and calls_function:
                kept[part] = {
                    name: item if name == "function" else self.value(item, name, layer, depth + 2)
                    for name, item in value.items()
                }
            else:
                if part == "config" and isinstance(value, list):  # Sequential, before Keras 2.2.3
                    part_key = "layers" if kind == "Sequential" else part
                    kept[part] = self.value(value, part_key, layer, depth + 1)
                    continue
                calls = part in ("inbound_nodes", "build_config", "build_input_shape")
                kept[part] = self.value(value, part, layer, depth + 1, calls)
        return kept

    def _tensor(self, node: dict[str, Any], layer: str, depth: int) -> Any:
        """A constant, or a reference to the output of another layer: numbers and names only."""
        inner = node.get("config")
        if not isinstance(inner, dict) or "class_name" in inner:
            self.refuse(layer, f"{node['class_name']} holds no numbers", "")
        kept = {
            name: self.value(item, name, layer, depth + 2, True) for name, item in inner.items()
        }
        dtype = kept.get("dtype")
        if dtype is not None and (not isinstance(dtype, str) or dtype not in allowed.DTYPES):
            self._unknown("type", str(dtype), layer)
        if node["class_name"] == "__keras_tensor__" and not _is_history(kept.get("keras_history")):
            self.refuse(layer, "a reference to another layer's output is broken", "")
        return {"class_name": node["class_name"], "config": kept}

    def _items(self, node: dict[str, Any], layer: str, depth: int) -> Any:
        """Tuples and shapes, as releases before Keras 3 wrote them: a plain list serves."""
        items = node.get("items")
        if items is None and node["class_name"] == "TensorShape":
            return None
        if not isinstance(items, list):
            self.refuse(layer, f"{printable(node['class_name'])} holds no list", "")
        return self.value(items, "items", layer, depth + 1, True)

    def _slice(self, node: dict[str, Any], layer: str, depth: int) -> Any:
        inner = node.get("config")
        names = ("start", "stop", "step")
        if node["class_name"] == "__ellipsis__":
            return {"class_name": "__ellipsis__", "config": {}}
        if not isinstance(inner, dict) or set(inner) != set(names):
            self.refuse(layer, "a slice is broken", "")
        kept = {name: self.value(inner[name], name, layer, depth + 2, True) for name in names}
        return {"class_name": "__slice__", "config": kept}


def _is_history(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], str)
        and all(isinstance(n, int) for n in value[1:])
    )


_SPECIAL: dict[str, Callable[[_Reader, dict[str, Any], str, int], Any]] = {
    "__keras_tensor__": _Reader._tensor,
    "__tensor__": _Reader._tensor,
    "__numpy__": _Reader._tensor,
    "__tuple__": _Reader._items,
    "TensorShape": _Reader._items,
    "__slice__": _Reader._slice,
    "__ellipsis__": _Reader._slice,
}
