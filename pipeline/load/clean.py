"""A clean copy of a foreign Keras file: only what was checked, in a form that Keras reads.

Nothing of the file's own goes on to Keras but arrays of numbers and a configuration that has
been held against the allow lists. No TensorFlow is needed here.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError
from pipeline.load import limits
from pipeline.load.allowed import NETWORKS
from pipeline.load.archive import Archive, parse_json
from pipeline.load.hdf5 import check_hdf5, h5py, open_hdf5, text_attribute
from pipeline.load.names import printable
from pipeline.load.plausible import check_sizes
from pipeline.load.safety import refuse_code
from pipeline.load.version import plain_version, version_of, weights_only

WEIGHTS = "model.weights.h5"


def clean_archive(path: Path, where: str, folder: Path) -> Path:
    """Write a clean copy of a .keras archive into `folder`; returns its path.

    Raises:
        ModelError: the archive, its configuration or its weights are not accepted.
    """
    with Archive(path) as archive:
        config = network_of(archive.json("config.json"), where)
        version = version_of(archive.json("metadata.json"), where)
        weights = folder / WEIGHTS
        weights.write_bytes(archive.read(WEIGHTS))
    with open_hdf5(weights, where) as file:
        values = check_hdf5(file, weights.stat().st_size, where)
    check_sizes(config, values, where)
    with h5py().File(weights, "r+") as file:
        _slashes(file, where)
        file.require_group("vars")  # the network's own, which are none; not all releases wrote it
    clean = folder / "clean.keras"
    with zipfile.ZipFile(clean, "w") as made:
        made.writestr("metadata.json", json.dumps({"keras_version": version}))
        made.writestr("config.json", json.dumps(config))
        made.write(weights, WEIGHTS)
    weights.unlink()
    return clean


def network_of(config: Any, where: str) -> dict[str, Any]:
    """Return the clean configuration of a network.

    Raises:
        ModelError: it is not accepted, or is none of a network.
    """
    clean = refuse_code(config, where)
    if not isinstance(clean, dict) or clean.get("class_name") not in NETWORKS:
        raise ModelError("its configuration can not be read (it holds no network)", where=where)
    return clean


def _slashes(group: Any, where: str) -> None:
    """Keras 2.12 to 2.15 on Windows joined the names of groups by backslashes."""
    for name in list(group):
        if hasattr(group[name], "keys"):
            _slashes(group[name], where)
        if "\\" in name:
            try:
                group.move(name, name.replace("\\", "/"))
            except (ValueError, KeyError) as error:
                raise ModelError(
                    f"the weights {printable(name, 80)!r} are there twice", where=where
                ) from error


def clean_hdf5(path: Path, where: str, folder: Path) -> Path:
    """The same for an .h5 file.

    Raises:
        ModelError: the file, its configuration or its weights are not accepted.
    """
    clean = folder / "clean.h5"
    clean.write_bytes(path.read_bytes())
    with open_hdf5(clean, where) as file:
        values = check_hdf5(file, clean.stat().st_size, where)
        text = text_attribute(file, "model_config", where)
        version = text_attribute(file, "keras_version", where) or ""
    if text is None:
        raise weights_only(where)
    config = network_of(parse_json(text, where), where)
    check_sizes(config, values, where)
    with h5py().File(clean, "r+") as file:
        for name in list(file.attrs):
            if name != "backend":
                del file.attrs[name]
        file.attrs["keras_version"] = plain_version(version)
        file.attrs["model_config"] = json.dumps(config)
    return clean


def copy_bounded(path: Path, target: Path, where: str) -> None:
    """Copy a regular file of no more than `limits.FILE` bytes.

    Raises:
        ModelError: it is too large.
    """
    size = path.stat().st_size
    if size > limits.FILE:
        raise ModelError(f"{size:,} bytes are too many for a model", where=where)
    with path.open("rb") as source, target.open("wb") as copy:
        left = size
        while left > 0:
            piece = source.read(min(left, 1 << 20))
            if not piece:
                break
            copy.write(piece)
            left -= len(piece)
