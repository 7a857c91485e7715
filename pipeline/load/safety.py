"""Refusing Keras files that would run code of their own when they are loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError

_KERAS_MODULES = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras", "builtins")
_HINT = "--trust loads it all the same and runs its code; do that only with files you trust"
# Graph operators that touch files or call Python; training and inference need none of them.
_UNSAFE_OPS = frozenset({"WriteFile", "ReadFile", "PyFunc", "PyFuncStateless", "EagerPyFunc"})


def refuse_code(config: Any, where: str) -> None:
    """Look through a Keras configuration for Lambda layers and classes from elsewhere.

    Args:
        config: the configuration, as JSON gave it.
        where: the file.

    Raises:
        ModelError: with the layer's name; nothing has been executed.
    """
    for layer, reason in _code(config, ""):
        raise ModelError(reason, where=f"{where}, layer {layer}" if layer else where, hint=_HINT)


def _code(node: Any, layer: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for item in node:
            yield from _code(item, layer)
        return
    if not isinstance(node, dict):
        return
    kind = node.get("class_name")
    inner = node.get("config")
    if isinstance(kind, str) and isinstance(inner, dict) and isinstance(inner.get("name"), str):
        layer = inner["name"]
    if kind in ("Lambda", "__lambda__"):
        yield layer, "a Lambda layer carries Python code"
    elif isinstance(kind, str):
        yield from _foreign(node, kind, layer)
    for value in node.values():
        yield from _code(value, layer)


def _foreign(node: dict[str, Any], kind: str, layer: str) -> Iterator[tuple[str, str]]:
    module = node.get("module")
    registered = node.get("registered_name")
    if isinstance(module, str) and not _is_keras(module):
        yield layer, f"{kind} is code of the module {module}"
    elif isinstance(registered, str) and ">" in registered and not registered.startswith("Keras"):
        yield layer, f"{kind} is custom code ({registered})"
    elif ">" in kind:
        yield layer, f"{kind} is custom code"
    elif kind in ("TFOpLambda", "SlicingOpLambda"):
        function = str((node.get("config") or {}).get("function", ""))
        if function.startswith(("io.", "raw_ops")) or "py_function" in function:
            yield layer, f"the layer calls tf.{function}"


def _is_keras(module: str) -> bool:
    return any(module == name or module.startswith(name + ".") for name in _KERAS_MODULES)


def refuse_code_in_savedmodel(path: Path) -> None:
    """The same for a SavedModel folder; reads its protobufs without loading the network.

    Raises:
        ModelError: broken protobuf, Lambda or custom layers, operators that touch files.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((path / "saved_model.pb").read_bytes())
    except (DecodeError, OSError) as error:
        raise ModelError("saved_model.pb is damaged", where=str(path)) from error
    for meta in saved.meta_graphs:
        for function in meta.graph_def.library.function:
            for node in function.node_def:
                if node.op in _UNSAFE_OPS:
                    raise ModelError(
                        f"the graph has a {node.op} operator",
                        where=f"{path}, {node.name}",
                        hint=_HINT,
                    )
        for item in meta.object_graph_def.nodes:
            _check_metadata(item.user_object.metadata, path)
    extra = path / "keras_metadata.pb"
    if extra.is_file():
        from tf_keras.protobuf import saved_metadata_pb2

        metadata = saved_metadata_pb2.SavedMetadata()
        try:
            metadata.ParseFromString(extra.read_bytes())
        except DecodeError as error:
            raise ModelError("keras_metadata.pb is damaged", where=str(path)) from error
        for item in metadata.nodes:
            _check_metadata(item.metadata, path)


def _check_metadata(text: str, path: Path) -> None:
    if text.startswith("{"):
        try:
            config = json.loads(text)
        except ValueError:
            return  # not Keras's; nothing that a loader would run
        refuse_code(config, str(path))
