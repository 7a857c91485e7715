"""TensorFlow, imported late, quietly and always in the same way.

Importing it takes 4 to 7 s, so only functions that need it ask for it here. tfmot works
with tf_keras only, and only where TF_USE_LEGACY_KERAS is set before `tf.keras` is touched.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

from pipeline import extras

# Sums of floats depend on how work is split over threads. A fixed number gives the same
# bytes on every machine, and networks for microcontrollers gain nothing from more.
_THREADS = 2

# Not a matter of taste: neither tfmot nor Keras 3's files work otherwise.
_ALWAYS = {"TF_USE_LEGACY_KERAS": "1", "KERAS_BACKEND": "tensorflow"}
ENVIRONMENT = {
    **_ALWAYS,
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # its choice of kernels, and so the rounding, depends on the CPU
    "CUDA_VISIBLE_DEVICES": "-1",  # as does a GPU's
    "AUTOGRAPH_VERBOSITY": "0",
}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow what C++ libraries write to file descriptor 2: start-up notes, never errors."""
    try:
        saved = os.dup(2)
    except OSError:  # no stderr at all: nothing to silence
        yield
        return
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@cache
def tensorflow() -> Any:
    """Return the module `tensorflow`, set up for repeatable results.

    Raises:
        ToolMissing: TensorFlow can not be imported.
    """
    fresh = "tensorflow" not in sys.modules
    os.environ.update(_ALWAYS)
    for key, value in ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    tf = _import("tensorflow")
    tf.get_logger().setLevel("ERROR")
    if fresh:
        # A process that used TensorFlow before us has these settings fixed already.
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(_THREADS)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_op_determinism()
    return tf


@cache
def tf_keras() -> Any:
    """Return the module `tf_keras` (Keras 2), which tfmot and the converter work with."""
    tensorflow()
    return _import("tf_keras")


@cache
def keras3() -> Any:
    """Return the module `keras` (Keras 3); used only to read its own files."""
    tensorflow()
    return _import("keras")


@cache
def tfmot() -> Any:
    """Return the module `tensorflow_model_optimization`."""
    tf_keras()
    return _import("tensorflow_model_optimization")


def _import(module: str) -> Any:
    with quiet():
        return extras.load(module, instead="or start from a .tflite, which needs none of it")


def seed_everything(seed: int) -> None:
    """Make what follows repeatable: Python, NumPy and TensorFlow take this seed.

    Args:
        seed: any integer; the same one gives the same bytes.
    """
    tensorflow()
    tf_keras().utils.set_random_seed(seed)
