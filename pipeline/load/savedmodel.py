"""Reading a SavedModel's protobufs without loading it, and a clean copy of it.

A SavedModel is a program: graphs, functions, and objects that say which of them to call. Here
the operators of all its graphs and functions are held against an allow list, and what would
make TensorFlow call or read anything at loading time is refused: tables, assets, restore
functions of the file's own. The clean copy holds no Keras objects; the network is built from
its configuration, and the graphs serve for the comparison alone.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError
from pipeline.load import limits
from pipeline.load.archive import parse_json
from pipeline.load.graph_ops import OPERATORS, SAVER_OPERATORS, TRAINING_OPERATORS
from pipeline.load.names import printable
from pipeline.load.plausible import check_sizes
from pipeline.load.safety import TRUST, refuse_code

_GRAPH = 512 << 20  # bytes of saved_model.pb; protobuf itself stops at 2 GB
_ALLOWED = OPERATORS | TRAINING_OPERATORS
_NAMED = 5  # operators that an error names
_KERAS_MODELS = ("_tf_keras_model", "_tf_keras_network", "_tf_keras_sequential")
# Python objects that are containers; all others become plain ones.
_CONTAINERS = frozenset({"signature_map", "trackable_dict_wrapper", "trackable_list_wrapper",
                         "trackable_tuple_wrapper"})  # fmt: skip
_REGISTERED = ("", "tf.TrackableConstant")  # TensorFlow's own: a number that a function captured
_OBJECTS = frozenset(
    {"user_object", "function", "bare_concrete_function", "constant", "variable", "captured_tensor"}
)


@dataclass(frozen=True)
class Saved:
    """A SavedModel that was looked through.

    Attributes:
        folder: the clean copy.
        config: the network's Keras configuration, clean; None where it holds none.
    """

    folder: Path
    config: dict[str, Any] | None


def clean_savedmodel(path: Path, where: str, folder: Path) -> Saved:
    """Write a clean copy of the SavedModel at `path` to `folder`.

    Raises:
        ModelError: broken protobufs, operators or objects that are not on the lists, a Keras
            configuration that is not accepted; nothing has been executed.
    """
    saved = _parse(path)
    if len(saved.meta_graphs) != 1:
        raise ModelError(f"holds {len(saved.meta_graphs)} graphs instead of one", where=where)
    for meta in saved.meta_graphs:
        check_graphs(meta, where)
        _check_objects(meta, where)
    config = _config(path, saved, where)
    total = sum(p.stat().st_size for p in (path / "variables").glob("variables.*"))
    if config is not None:
        check_sizes(config, total, where)  # a value takes a byte at least
    saved.meta_graphs[0].ClearField("collection_def")
    for node in saved.meta_graphs[0].object_graph_def.nodes:
        if node.HasField("user_object"):
            node.ClearField("slot_variables")  # an optimizer's; there is none to hold them
            node.user_object.metadata = ""
            if node.user_object.identifier not in _CONTAINERS:
                node.user_object.identifier = "_generic_user_object"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString(deterministic=True))
    _copy_variables(path, folder, where)
    return Saved(folder, config)


def not_keras(where: str) -> ModelError:
    """The error for a graph without layers."""
    return ModelError(
        "holds a graph, but not the Keras layers it was made of",
        where=where,
        hint="save the Keras model itself, or convert it to .tflite",
    )


def _parse(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    where = printable(path)
    try:
        saved.ParseFromString(_content(path / "saved_model.pb", _GRAPH, where))
    except (DecodeError, OSError, ValueError) as error:
        raise ModelError("saved_model.pb is damaged", where=where) from error
    return saved


def _content(file: Path, most: int, where: str) -> bytes:
    if file.is_symlink() or not file.is_file():
        raise ModelError(f"{file.name} is no file", where=where)
    if file.stat().st_size > most:
        raise ModelError(f"{file.name} is larger than {most:,} bytes", where=where)
    return file.read_bytes()


def _copy_variables(path: Path, folder: Path, where: str) -> None:
    source = path / "variables"
    if source.is_symlink() or not source.is_dir():
        raise ModelError("the SavedModel has no variables", where=where)
    (folder / "variables").mkdir()
    left = limits.FILE
    for file in sorted(source.iterdir()):
        if not file.name.startswith("variables."):
            continue
        if file.is_symlink() or not file.is_file():
            raise ModelError(f"variables/{printable(file.name)} is no file", where=where)
        left -= file.stat().st_size
        if left < 0:
            raise ModelError(f"its variables are larger than {limits.FILE:,} bytes", where=where)
        shutil.copyfile(file, folder / "variables" / file.name)


def check_graphs(meta: Any, where: str) -> None:
    """Hold all operators of a MetaGraphDef against the allow list.

    Raises:
        ModelError: one that is not on it; the operator and its place are named.
    """
    library = {function.signature.name: function for function in meta.graph_def.library.function}
    if len(library) != len(meta.graph_def.library.function):
        raise ModelError("two functions of the graph have one name", where=where)
    savers = _savers(meta, library)
    refused: dict[str, str] = {}
    for place, node in _nodes(meta.graph_def):
        saver = place in savers and node.op in SAVER_OPERATORS
        if node.op not in _ALLOWED and node.op not in library and not saver:
            refused.setdefault(printable(node.op, 60), printable(node.name))
        _check_constant(node, where)
    if refused:
        named = sorted(refused)[:_NAMED]
        raise ModelError(
            f"the graph has a {' and a '.join(named)} operator",
            where=f"{where}, {refused[named[0]]}",
            hint=TRUST,
        )
    if meta.graph_def.library.gradient or meta.graph_def.library.registered_gradients:
        raise ModelError("the graph registers gradients of its own", where=where, hint=TRUST)
    for asset in meta.asset_file_def:
        raise ModelError(
            f"the graph reads the file {printable(asset.filename, 80)}", where=where, hint=TRUST
        )


def _nodes(graph: Any) -> Iterator[tuple[str, Any]]:
    for node in graph.node:
        yield "", node
    for function in graph.library.function:
        for node in function.node_def:
            yield function.signature.name, node


def _savers(meta: Any, library: dict[str, Any]) -> set[str]:
    """Return the names of the functions that save and restore, if nothing else can call them."""
    wanted = {
        meta.saver_def.save_tensor_name.split(":")[0],
        meta.saver_def.restore_op_name.split(":")[0],
    } - {""}
    found: set[str] = set()
    callers = []
    for place, node in _nodes(meta.graph_def):
        called = set(_functions(node, library))
        if place == "" and node.name in wanted and node.op == "StatefulPartitionedCall":
            found |= called
        else:
            callers.append(called)
    reached = set().union(*callers) if callers else set()
    named = set(meta.object_graph_def.concrete_functions)
    return found - reached - named


def _functions(node: Any, library: dict[str, Any]) -> Iterator[str]:
    if node.op in library:
        yield node.op
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        for function in value.list.func:
            yield function.name


def _check_constant(node: Any, where: str) -> None:
    """A constant may be given as one value and a shape: the shape alone takes the memory."""
    for value in node.attr.values():
        tensors = [value.tensor] if value.HasField("tensor") else list(value.list.tensor)
        for tensor in tensors:
            size = math.prod(max(0, dim.size) for dim in tensor.tensor_shape.dim)
            if size > limits.TENSOR:
                raise ModelError(
                    f"the graph has a constant of {size:,} values",
                    where=f"{where}, {printable(node.name)}",
                )


def _check_objects(meta: Any, where: str) -> None:
    graph = meta.object_graph_def
    if not graph.nodes:  # TensorFlow 1's form: loading it runs the graph's own restore
        raise not_keras(where)
    if len(graph.nodes) > limits.MEMBERS:
        raise ModelError(f"the SavedModel has {len(graph.nodes):,} objects", where=where)
    for node in graph.nodes:
        kind = node.WhichOneof("kind")
        if kind not in _OBJECTS and kind is not None:
            what = {"asset": "a file of its own", "resource": "a table or another resource"}
            raise ModelError(
                f"the SavedModel has {what.get(kind, printable(kind))}", where=where, hint=TRUST
            )
        if node.registered_saver or node.registered_name not in _REGISTERED:
            name = printable(node.registered_saver or node.registered_name)
            raise ModelError(f"{name} is custom code", where=where, hint=TRUST)
        for saver in node.saveable_objects.values():
            if saver.save_function or saver.restore_function:
                raise ModelError(
                    "the SavedModel restores its values by functions of its own",
                    where=where,
                    hint=TRUST,
                )
        for child in node.children:
            if child.local_name in ("_initialize", "_create_resource", "_destroy_resource"):
                raise ModelError(
                    "the SavedModel calls a function when it is loaded", where=where, hint=TRUST
                )


def _config(path: Path, saved: Any, where: str) -> dict[str, Any] | None:
    """Return the clean configuration of the root, which a Keras 2 SavedModel carries as JSON."""
    for text in _metadata(path, saved, where):
        if not text:  # it is in the other place
            continue
        held = parse_json(text, where)
        if not isinstance(held, dict):
            raise ModelError("its configuration can not be read", where=where)
        config = {"class_name": held.get("class_name"), "config": held.get("config")}
        if isinstance(config["config"], dict) and isinstance(config["class_name"], str):
            clean: dict[str, Any] = refuse_code(config, where)
            return clean
    return None


def _metadata(path: Path, saved: Any, where: str) -> Iterator[str]:
    """Yield the root's metadata, from the older place and the newer one; never more than limits."""
    from google.protobuf.message import DecodeError
    from tf_keras.protobuf import saved_metadata_pb2

    root = saved.meta_graphs[0].object_graph_def.nodes[:1]
    for node in root:
        if node.user_object.identifier in _KERAS_MODELS:
            yield node.user_object.metadata
    extra = path / "keras_metadata.pb"
    if extra.exists():
        held = saved_metadata_pb2.SavedMetadata()
        try:
            held.ParseFromString(_content(extra, limits.CONFIG, where))
        except (DecodeError, ValueError) as error:
            raise ModelError("keras_metadata.pb is damaged", where=where) from error
        for item in held.nodes:
            if item.node_id == 0 and item.identifier in _KERAS_MODELS:
                yield item.metadata
