"""load_model: one function for every model file, told apart by content."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError
from pipeline.load import limits
from pipeline.load import sniff as kinds
from pipeline.load.flatmodel import FlatModel
from pipeline.load.names import printable
from pipeline.load.network import Network, file_sha256, read_record
from pipeline.load.safety import refuse_code
from pipeline.load.sniff import sniff
from pipeline.scratch import Folder


def load_model(
    path: str | Path, *, trust: bool = False, name: str | None = None
) -> Network | FlatModel:
    """Read a model file of any kind.

    A .tflite needs no TensorFlow and becomes a `FlatModel`. Keras files of any age (.keras,
    .h5, SavedModel folders) become a `Network`, rebuilt in tf_keras where necessary and
    compared with what the file's own loader computes. They are read in a process that is shut
    in, and what it hands back is checked (docs/security.md).

    Args:
        path: file or folder; its content decides, not its suffix.
        trust: run Lambda layers and custom code the file carries or names, in this process.
        name: a name for the model; the file's stem by default.

    Raises:
        WrongUse: nothing is there.
        ModelError: no model, broken, not accepted, or the comparison failed.
    """
    path = Path(path)
    found = sniff(path)
    stem = path.resolve().name if path.is_dir() else path.stem
    if found.format == kinds.TFLITE:
        if path.stat().st_size > limits.FILE:
            raise ModelError(f"is larger than {limits.FILE:,} bytes", where=printable(path))
        return FlatModel(name or stem, path.read_bytes())
    where = printable(path.name)
    record = read_record(path) if found.format == kinds.KERAS2 else None
    if trust:
        model, check = _read_here(path, found.format, where)
    else:
        if found.config is not None:
            refuse_code(found.config, where)  # here too: the other process takes seconds to start
        from pipeline.load.reader import read_apart

        model, check = read_apart(path, found.format, where)
    if record is not None:  # our own file: it goes on under the name it had
        return Network(**{**record, "keras": model, "check": max(check, record["check"])})
    return Network(name or stem, str(path), file_sha256(path), found.format, model, check)


def _read_here(path: Path, kind: str, where: str) -> tuple[Any, float]:
    from pipeline.load.read import read_keras

    if kind == kinds.SAVEDMODEL:
        return read_keras(path, kind, where, trust=True)
    suffix = ".h5" if kind in (kinds.KERAS2_H5, kinds.KERAS3_H5) else ".keras"
    with _suffixed(path, suffix) as file:
        return read_keras(file, kind, where, trust=True)


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
