"""Keras's loaders, the translation to tf_keras, and the comparison of the two."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import McuError, ModelError
from pipeline.load import limits
from pipeline.load import sniff as kinds
from pipeline.load.names import printable
from pipeline.load.network import checked
from pipeline.load.rebuild import has_networks_inside, rebuild
from pipeline.load.savedmodel import not_keras
from pipeline.load.tfenv import keras3, quiet, tensorflow, tf_keras

_CHECK_SAMPLES = 4
# Two loaders may order float sums differently; anything beyond is a wrong translation.
CHECK_LIMIT = 1e-5


def read_keras(path: Path, kind: str, where: str, *, trust: bool = False) -> tuple[Any, float]:
    """Read a Keras file; returns the functional tf_keras model and how far it differs.

    Args:
        path: the file as Keras's loader needs it, suffix included.
        kind: a constant of `pipeline.load.sniff`.
        where: the file's name, for messages.
        trust: run code that the file carries.

    Raises:
        ModelError: it can't be loaded or rebuilt, or computes something else then.
    """
    tensorflow()
    try:
        with quiet():
            if kind in (kinds.KERAS3, kinds.KERAS3_H5):
                return _from_keras3(path, where, trust)
            return _from_keras2(path, kind, where, trust)
    except McuError:
        raise
    except Exception as error:  # loaders raise anything; the person needs the file and a reason
        raise load_error(error, where) from error


def read_config(
    config: dict[str, Any], folder: Path, where: str, *, graph: bool = True
) -> tuple[Any, float]:
    """Build the network of a clean SavedModel from its configuration, with the saved weights.

    Args:
        config: see `pipeline.load.savedmodel`.
        folder: the clean copy.
        where: for messages.
        graph: compare with the SavedModel's own serving function.

    Raises:
        ModelError: as `read_keras`.
    """
    tensorflow()
    try:
        with quiet():
            source = tf_keras().layers.deserialize(config, use_legacy_format=True)
            if not is_graph(source):
                raise not_keras(where)
            check_tensors(source, where)
            status = source.load_weights(str(folder / "variables" / "variables"))
            status.expect_partial().assert_existing_objects_matched()
            model = rebuild(source, where, keras3=False) if has_networks_inside(source) else source
            model = checked(model, where)
            return model, compare(model, _own_function(folder, source) if graph else source, where)
    except McuError:
        raise
    except Exception as error:
        raise load_error(error, where) from error


def _from_keras3(path: Path, where: str, trust: bool) -> tuple[Any, float]:
    source = keras3().saving.load_model(path, compile=False, safe_mode=not trust)
    if not is_graph(source):
        raise ModelError(
            "the network is a class of its own, not a graph of layers",
            where=where,
            hint="build it with the functional API, or export a .tflite file",
        )
    check_tensors(source, where)
    model = checked(rebuild(source, where, keras3=True), where)
    return model, compare(model, source, where)


def _from_keras2(path: Path, kind: str, where: str, trust: bool) -> tuple[Any, float]:
    keras = tf_keras()
    if kind == kinds.SAVEDMODEL:  # reached only where the file is trusted
        source = keras.models.load_model(path, compile=False)
    else:
        source = keras.models.load_model(path, compile=False, safe_mode=not trust)
    if not isinstance(source, keras.Model) or not is_graph(source):
        raise not_keras(where)
    check_tensors(source, where)
    model = rebuild(source, where, keras3=False) if has_networks_inside(source) else source
    own = _own_function(path, source) if kind == kinds.SAVEDMODEL else source
    model = checked(model, where)
    return model, compare(model, own, where)


def is_graph(model: Any) -> bool:
    """Whether a Keras network is a graph of layers."""
    try:
        return bool(model.inputs) and bool(model.outputs)
    except (AttributeError, ValueError):
        return False


def check_tensors(model: Any, where: str) -> None:
    """Refuse a network with tensors that no microcontroller holds, before it is called.

    Raises:
        ModelError: the layer is named.
    """
    for layer in getattr(model, "operations", model.layers):
        for node in layer._inbound_nodes:
            outputs = node.outputs if hasattr(node, "outputs") else node.output_tensors
            for tensor in outputs if isinstance(outputs, (list, tuple)) else [outputs]:
                size = math.prod(n for n in getattr(tensor, "shape", ())[1:] if n)
                if size > limits.TENSOR:
                    raise ModelError(
                        f"makes a tensor of {size:,} values",
                        where=f"{where}, layer {printable(layer.name)}",
                        hint="a microcontroller has not the memory for it",
                    )


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


def compare(model: Any, own: Any, where: str) -> float:
    """Return the largest relative difference of two networks' outputs on random inputs.

    Raises:
        ModelError: it is larger than rounding explains.
    """
    x = _random_input(model)
    theirs = np.asarray(own(x, training=False))
    ours = np.asarray(model(x, training=False))
    if theirs.shape != ours.shape:
        raise ModelError(f"rebuilt, it answers {ours.shape} instead of {theirs.shape}", where=where)
    if not np.all(np.isfinite(theirs)):
        raise ModelError(
            "its outputs are not finite on ordinary inputs",
            where=where,
            hint="training has diverged: train again with a lower learning rate",
        )
    difference = float(np.max(np.abs(theirs - ours), initial=0.0))
    difference /= max(1.0, float(np.max(np.abs(theirs), initial=0.0)))
    if not difference <= CHECK_LIMIT:  # also true for NaN
        raise ModelError(
            f"rebuilt, its outputs differ by {difference:.2g} from the file's own network "
            f"(allowed: {CHECK_LIMIT:g})",
            where=where,
            hint="a layer means something else in Keras 2 and 3; export a .tflite file instead",
        )
    return difference


def _random_input(model: Any) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    shape = (_CHECK_SAMPLES, *model.inputs[0].shape[1:])
    if model.inputs[0].dtype.is_integer:
        return rng.integers(0, 2, shape).astype(model.inputs[0].dtype.as_numpy_dtype)
    return rng.normal(size=shape).astype(np.float32)


def load_error(error: Exception, where: str) -> ModelError:
    """Turn what a loader raised into one error with its first line."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return out_of_memory(where)
    return ModelError(
        f"can not be loaded: {_cause(error)}",
        where=where,
        hint="check that it opens with keras.saving.load_model in the Keras that wrote it",
    )


def _cause(error: Exception) -> str:
    """Return the line that says why: Keras wraps it in where it happened, and in colours."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    inner = text.rpartition("Exception encountered: ")[2]
    lines = [line.strip() for line in inner.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("Exception encountered when calling")]
    return printable((told or lines or [type(error).__name__])[0], 300)


def out_of_memory(where: str) -> ModelError:
    """The error for a file that asks for more than its process may have."""
    return ModelError(
        f"needs more than {limits.PROCESS_BYTES >> 20:,} MiB of memory to be read",
        where=where,
        hint="a network for a microcontroller needs far less; its declared sizes are not plausible",
    )
