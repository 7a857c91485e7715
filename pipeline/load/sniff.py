"""What kind of model file is this? Told from the content, without TensorFlow."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import extras
from pipeline.errors import ModelError, WrongUse
from pipeline.run import require_file

TFLITE, KERAS3, KERAS3_H5, KERAS2, KERAS2_H5, SAVEDMODEL = (
    "tflite",
    "keras3",
    "keras3-h5",
    "keras2",
    "keras2-h5",
    "savedmodel",
)
_ACCEPTED = "a .tflite, a .keras or .h5 file, or a SavedModel folder"
# First bytes of files people try, and what to do with them.
_OTHERS = (
    (b"\x08", "an ONNX model", "convert it to Keras or .tflite first (onnx2tf)"),
    (b"\x80\x02", "a Python pickle", "save the network with model.save('net.keras')"),
    (b"\x80\x04", "a Python pickle", "save the network with model.save('net.keras')"),
    (b"\x80\x05", "a Python pickle", "save the network with model.save('net.keras')"),
)


@dataclass(frozen=True)
class Found:
    """A model file's kind.

    Attributes:
        format: one of the constants above.
        config: the Keras configuration, where the file has it as JSON.
    """

    format: str
    config: dict[str, Any] | None = None


def sniff(path: Path) -> Found:
    """Tell what `path` holds.

    Raises:
        WrongUse: there is nothing at `path`.
        ModelError: it is no model of a kind this package reads.
    """
    if not path.exists():
        raise WrongUse("no such file or folder", where=str(path), hint=_ACCEPTED)
    if path.is_dir():
        return _folder(path)
    require_file(path, folder=True)
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise ModelError("the file is empty", where=str(path), hint=_ACCEPTED)
    if head[4:8] == b"TFL3":
        return Found(TFLITE)
    if head[:4] == b"PK\x03\x04":
        return _archive(path)
    if head == b"\x89HDF\r\n\x1a\n":
        return _hdf5(path)
    if path.name == "saved_model.pb":
        raise ModelError(
            "is part of a SavedModel", where=str(path), hint=f"give the folder: {path.parent}"
        )
    for start, kind, hint in _OTHERS:
        if head.startswith(start):
            raise ModelError(f"looks like {kind}", where=str(path), hint=hint)
    raise ModelError("is not a model file", where=str(path), hint=_ACCEPTED)


def _folder(path: Path) -> Found:
    if (path / "saved_model.pb").is_file():
        return Found(SAVEDMODEL)
    inside = sorted(path.iterdir())
    if not inside:
        raise ModelError("the folder is empty", where=str(path), hint=_ACCEPTED)
    models = [p for p in inside if p.suffix in (".tflite", ".keras", ".h5")]
    raise ModelError(
        "the folder holds no SavedModel (saved_model.pb)",
        where=str(path),
        hint=f"did you mean {models[0]}?" if models else _ACCEPTED,
    )


def _archive(path: Path) -> Found:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            broken = archive.testzip()
            if broken:
                raise ModelError(f"the archive is damaged at {broken}", where=str(path))
            if not {"config.json", "metadata.json"} <= names:
                raise _other_archive(path, names)
            config = json.loads(archive.read("config.json"))
            version = str(json.loads(archive.read("metadata.json")).get("keras_version", ""))
    except zipfile.BadZipFile as error:
        raise ModelError("the archive is damaged or cut short", where=str(path)) from error
    except (ValueError, AttributeError) as error:
        raise ModelError(f"its configuration can not be read ({error})", where=str(path)) from error
    return Found(KERAS2 if version.startswith("2.") else KERAS3, config)


def _other_archive(path: Path, names: set[str]) -> ModelError:
    if any(name.endswith(".npy") for name in names):
        return ModelError("is NumPy data, not a model", where=str(path), hint="--data takes it")
    if any(name.endswith("data.pkl") for name in names):
        return ModelError(
            "is a PyTorch file", where=str(path), hint="convert it to Keras or .tflite first"
        )
    return ModelError("is an archive, but no Keras file", where=str(path), hint=_ACCEPTED)


def _hdf5(path: Path) -> Found:
    h5py = extras.load("h5py", where=str(path))
    try:
        with h5py.File(path, "r") as file:
            raw = file.attrs.get("model_config")
            version = file.attrs.get("keras_version", "")
    except (OSError, RuntimeError) as error:
        raise ModelError("the HDF5 file is damaged or cut short", where=str(path)) from error
    if raw is None:
        raise ModelError(
            "holds weights only, not the network",
            where=str(path),
            hint="save all of it: model.save('net.keras')",
        )
    try:
        config = json.loads(raw)
    except ValueError as error:
        raise ModelError("its configuration can not be read", where=str(path)) from error
    text = version.decode() if isinstance(version, bytes) else str(version)
    return Found(KERAS3_H5 if text.startswith("3.") else KERAS2_H5, config)
