"""Keras files through all of `load_model`: the process that is shut in, Keras, the handing over."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

from pipeline.load import load_model

from . import keras


def make_case(rng: random.Random) -> bytes:
    """Return a mutant as `keras` makes them, most of them of the configuration."""
    return keras.make_case(rng)


def try_case(case: bytes) -> None:
    """Load a case."""
    descriptor, name = tempfile.mkstemp(suffix=".h5" if case[:4] == b"\x89HDF" else ".keras")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(case)
        load_model(name)
    finally:
        Path(name).unlink()
