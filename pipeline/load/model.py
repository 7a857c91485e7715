"""load_model: one function for every model file, told apart by content."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import McuError, ModelError
from pipeline.load import sniff as kinds
from pipeline.load.flatmodel import FlatModel
from pipeline.load.names import identifier
from pipeline.load.network import Network, checked, file_sha256, read_record
from pipeline.load.rebuild import has_networks_inside, rebuild
from pipeline.load.safety import refuse_code, refuse_code_in_savedmodel
from pipeline.load.sniff import sniff
from pipeline.load.tfenv import keras3, quiet, tensorflow, tf_keras
from pipeline.scratch import Folder

_CHECK_SAMPLES = 4
# Two loaders may order float sums differently; anything beyond is a wrong translation.
_CHECK_LIMIT = 1e-5


def load_model(
    path: str | Path, *, trust: bool = False, name: str | None = None
) -> Network | FlatModel:
    """Read a model file of any kind.

    A .tflite needs no TensorFlow and becomes a `FlatModel`. Keras files of any age (.keras,
    .h5, SavedModel folders) become a `Network`, rebuilt in tf_keras where necessary and
    compared with what the file's own loader computes.

    Args:
        path: file or folder; its content decides, not its suffix.
        trust: run Lambda layers and custom code the file carries or names.
        name: a name for the model; the file's stem by default.

    Raises:
        WrongUse: nothing is there.
        ModelError: no model, broken, not accepted, or the comparison failed.
    """
    path = Path(path)
    found = sniff(path)
    stem = path.resolve().name if path.is_dir() else path.stem
    name = identifier(name or stem)
    if found.format == kinds.TFLITE:
        return FlatModel(name, path.read_bytes())
    where = path.name
    if found.config is not None and not trust:
        refuse_code(found.config, where)
    tensorflow()
    if found.format == kinds.SAVEDMODEL and not trust:
        refuse_code_in_savedmodel(path)
    try:
        with quiet():
            if found.format in (kinds.KERAS3, kinds.KERAS3_H5):
                return _from_keras3(path, found.format, name, trust)
            return _from_keras2(path, found.format, name, trust)
    except McuError:
        raise
    except Exception as error:  # loaders raise anything; the person needs the file and a reason
        raise ModelError(
            f"can not be loaded: {_reason(error)}",
            where=where,
            hint="check that it opens with keras.saving.load_model in the Keras that wrote it",
        ) from error


def _from_keras3(path: Path, kind: str, name: str, trust: bool) -> Network:
    with _suffixed(path, ".h5" if kind == kinds.KERAS3_H5 else ".keras") as file:
        source = keras3().saving.load_model(file, compile=False, safe_mode=not trust)
    if not _is_graph(source):
        raise ModelError(
            "the network is a class of its own, not a graph of layers",
            where=path.name,
            hint="build it with the functional API, or export a .tflite file",
        )
    model = checked(rebuild(source, path.name, keras3=True), path.name)
    return _network(path, kind, name, model, source)


def _from_keras2(path: Path, kind: str, name: str, trust: bool) -> Network:
    keras = tf_keras()
    if kind == kinds.SAVEDMODEL:
        source = keras.models.load_model(path, compile=False)
    else:
        with _suffixed(path, ".h5" if kind == kinds.KERAS2_H5 else ".keras") as file:
            source = keras.models.load_model(file, compile=False, safe_mode=not trust)
    if not isinstance(source, keras.Model) or not _is_graph(source):
        raise ModelError(
            "holds a graph, but not the Keras layers it was made of",
            where=path.name,
            hint="save the Keras model itself, or convert it to .tflite",
        )
    if has_networks_inside(source):
        model = rebuild(source, path.name, keras3=False)
    else:
        model = source
    own = _own_function(path, source) if kind == kinds.SAVEDMODEL else source
    network = _network(path, kind, name, checked(model, path.name), own)
    if kind == kinds.KERAS2:
        record = read_record(path)
        if record is not None:  # our own file: it goes on under the name it had
            kept = {**record, "keras": network.keras, "check": max(network.check, record["check"])}
            return Network(**kept)
    return network


def _is_graph(model: Any) -> bool:
    try:
        return bool(model.inputs) and bool(model.outputs)
    except (AttributeError, ValueError):
        return False


def _own_function(path: Path, fallback: Any) -> Any:
    """Return the SavedModel's own serving function: the graph that was traced when it was saved."""
    tf = tensorflow()
    loaded = tf.saved_model.load(str(path))
    serving = loaded.signatures.get("serving_default")
    if serving is None:
        return fallback
    (argument,) = serving.structured_input_signature[1]

    def run(x: Any, training: bool = False) -> Any:
        (output,) = serving(**{argument: tf.constant(x)}).values()
        return output

    run.keep = loaded  # type: ignore[attr-defined]  # functions do not keep their variables alive
    return run


def _network(path: Path, kind: str, name: str, model: Any, own: Any) -> Network:
    x = _random_input(model)
    theirs = np.asarray(own(x, training=False))
    ours = np.asarray(model(x, training=False))
    if theirs.shape != ours.shape:
        raise ModelError(
            f"rebuilt, it answers {ours.shape} instead of {theirs.shape}", where=path.name
        )
    difference = float(np.max(np.abs(theirs - ours), initial=0.0))
    difference /= max(1.0, float(np.max(np.abs(theirs), initial=0.0)))
    if not difference <= _CHECK_LIMIT:  # also true for NaN
        raise ModelError(
            f"rebuilt, its outputs differ by {difference:.2g} from the file's own network "
            f"(allowed: {_CHECK_LIMIT:g})",
            where=path.name,
            hint="a layer means something else in Keras 2 and 3; export a .tflite file instead",
        )
    return Network(name, str(path), file_sha256(path), kind, model, difference)


def _random_input(model: Any) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    shape = (_CHECK_SAMPLES, *model.inputs[0].shape[1:])
    if model.inputs[0].dtype.is_integer:
        return rng.integers(0, 2, shape).astype(model.inputs[0].dtype.as_numpy_dtype)
    return rng.normal(size=shape).astype(np.float32)


class _suffixed:  # noqa: N801  (used like a function)
    """Keras's loaders go by the suffix; give a file of another name the one it needs."""

    def __init__(self, path: Path, suffix: str) -> None:
        self._path, self._suffix = path, suffix
        self._folder: Folder | None = None

    def __enter__(self) -> Path:
        if self._path.suffix == self._suffix:
            return self._path
        self._folder = Folder("load")
        copy = self._folder.path / f"model{self._suffix}"
        shutil.copyfile(self._path, copy)
        return copy

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.close()


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
