"""Keras files: configurations changed by structure, archives and HDF5 files by bytes.

A case is read as `load_model` reads it up to where TensorFlow begins: what kind it is, the
allow lists, sizes, the clean copy, and the note that the pipeline leaves in its own files. The
kind `kerastf` goes on from there, through Keras, in the process that is shut in.
"""

from __future__ import annotations

import io
import json
import random
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import h5py

from pipeline.load import sniff as kinds
from pipeline.load.clean import clean_archive, clean_hdf5
from pipeline.load.record import read_record
from pipeline.load.sniff import hdf5_facts, sniff

from . import seeds

_RECORD = {"name": "net", "source": "a", "sha256": "ab" * 32, "source_format": "keras2",
           "check": 0.0, "compression": {"method": "magnitude:0.5", "sparsity": 0.5, "layers": {},
           "neurons_removed": {}, "frozen": {}, "parameters": [2, 1], "float_accuracy": None,
           "pruned_accuracy": 0.5, "float_loss": 1.0, "pruned_loss": None, "epochs": 1,
           "seconds": 0.0, "notes": ["x"]}}  # fmt: skip


@cache
def _archive(keras3: bool) -> bytes:
    return seeds.archive(keras3)


@cache
def _hdf5(keras3: bool) -> bytes:
    return seeds.hdf5(keras3)


def make_case(rng: random.Random) -> bytes:
    """Return a mutant of a .keras or .h5 file."""
    keras3, pick = bool(rng.randrange(2)), rng.randrange(10)
    if pick < 4:
        config = seeds.change_json(seeds.config(keras3), rng)
        return _rebuilt(_archive(keras3), "config.json", json.dumps(config).encode())
    if pick == 4:
        note = seeds.change_json(json.loads(json.dumps(_RECORD)), rng)
        return _rebuilt(_archive(False), "network.json", json.dumps(note).encode())
    if pick == 5:
        with zipfile.ZipFile(io.BytesIO(_archive(keras3))) as file:
            name = rng.choice(file.namelist())
            return _rebuilt(_archive(keras3), name, seeds.change_bytes(file.read(name), rng))
    if pick == 6:
        return seeds.change_bytes(_archive(keras3), rng)
    if pick == 7:
        held = io.BytesIO(_hdf5(keras3))
        with h5py.File(held, "r+") as made:
            config = seeds.change_json(seeds.config(keras3), rng)
            made.attrs["model_config"] = json.dumps(config)
        return held.getvalue()
    return seeds.change_bytes(_hdf5(keras3), rng)


def _rebuilt(content: bytes, name: str, changed: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(held, "w") as new:
        for other in {*old.namelist(), name}:
            new.writestr(other, changed if other == name else old.read(other))
    return held.getvalue()


def try_case(case: bytes) -> None:
    """Read a case as far as TensorFlow is not needed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "model"
        path.write_bytes(case)
        if case.startswith(b"\x89HDF"):
            hdf5_facts(path, "model")
            clean_hdf5(path, "model", folder)
            return
        if sniff(path).format == kinds.KERAS2:
            read_record(path)
        clean_archive(path, "model", folder)
