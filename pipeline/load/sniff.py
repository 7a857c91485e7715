"""What kind of model file is this? Told from the content, without TensorFlow."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError, WrongUse
from pipeline.load.archive import Archive
from pipeline.load.formats import KERAS2, KERAS2_H5, KERAS3, KERAS3_H5, SAVEDMODEL, TFLITE
from pipeline.load.hdf5 import open_hdf5, text_attribute
from pipeline.load.names import printable
from pipeline.load.version import version_of, weights_only
from pipeline.run import require_file

__all__ = [
    "KERAS2",
    "KERAS2_H5",
    "KERAS3",
    "KERAS3_H5",
    "SAVEDMODEL",
    "TFLITE",
    "Found",
    "hdf5_facts",
    "sniff",
]

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
        format: one of `pipeline.load.formats`.
        config: the Keras configuration of an archive, as JSON gave it.
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
    require_file(path, folder=True)  # a FIFO would be waited for
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
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise ModelError("the archive is damaged or cut short", where=printable(path)) from error
    if not {"config.json", "metadata.json"} <= names:
        raise _other_archive(path, names)
    with Archive(path) as held:
        config = held.json("config.json")
        version = version_of(held.json("metadata.json"), printable(path))
    if not isinstance(config, dict):
        raise ModelError("its configuration can not be read", where=printable(path))
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
    # HDF5's library is in C and reads what a stranger wrote: not in this process.
    from pipeline.load.reader import hdf5_facts_apart

    facts = hdf5_facts_apart(path, printable(path))
    return Found(KERAS3_H5 if str(facts.get("version", "")).startswith("3.") else KERAS2_H5)


def hdf5_facts(path: Path, where: str) -> dict[str, Any]:
    """Return the version of Keras that an .h5 file names; called in a process of its own.

    Raises:
        ModelError: no HDF5 file, or one without a network.
    """
    with open_hdf5(path, where) as file:
        if text_attribute(file, "model_config", where) is None:
            raise weights_only(where)
        return {"version": text_attribute(file, "keras_version", where) or ""}
