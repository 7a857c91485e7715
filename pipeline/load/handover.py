"""What the reading process hands back: a checked configuration, arrays of numbers, or an error.

The one that takes it does not believe it either: the configuration goes through the allow lists
again, and every array must have the shape of the variable it is for.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import McuError, ModelError, ToolMissing, WrongUse
from pipeline.load import limits
from pipeline.load.archive import parse_json
from pipeline.load.names import printable
from pipeline.load.network import checked
from pipeline.load.npz import read_npz
from pipeline.load.plausible import check_sizes
from pipeline.load.safety import refuse_code
from pipeline.load.tfenv import quiet, tf_keras

RESULT, WEIGHTS, ERROR = "result.json", "weights.npz", "error.json"
_ERRORS: dict[str, type[McuError]] = {
    kind.__name__: kind for kind in (ModelError, ToolMissing, WrongUse)
}


def give(folder: Path, model: Any, check: float) -> None:
    """Write a functional tf_keras model into `folder`."""
    with quiet():
        config = tf_keras().saving.serialize_keras_object(model)
    arrays = {
        f"{i}/{j}": np.asarray(value)
        for i, layer in enumerate(model.layers)
        for j, value in enumerate(layer.get_weights())
    }
    np.savez(folder / WEIGHTS, allow_pickle=False, **arrays)
    names = [layer.name for layer in model.layers]
    result = {"config": config, "layers": names, "check": check}
    (folder / RESULT).write_text(json.dumps(result))


def give_error(folder: Path, error: McuError) -> None:
    """Write an error into `folder`."""
    said = {"kind": type(error).__name__, "what": error.what, "where": error.where}
    (folder / ERROR).write_text(json.dumps({**said, "hint": error.hint}))


def take_error(folder: Path) -> McuError | None:
    """Read the error that the process wrote, if it did."""
    said = _json(folder / ERROR)
    if not isinstance(said, dict):
        return None
    kind = _ERRORS.get(str(said.get("kind")), ModelError)
    what, where, hint = (printable(said.get(key, ""), 1000) for key in ("what", "where", "hint"))
    return kind(what or "can not be read", where=where, hint=hint)


def take(folder: Path, where: str) -> tuple[Any, float]:
    """Build the model that the process wrote; returns it and its check.

    Raises:
        ModelError: the process did not write what it should have.
    """
    result = _json(folder / RESULT)
    if not isinstance(result, dict) or not isinstance(result.get("layers"), list):
        raise ModelError("the process that reads model files gave no answer", where=where)
    check = result.get("check")
    if not isinstance(check, float) or not math.isfinite(check) or check < 0:
        raise ModelError("the process that reads model files gave no check", where=where)
    config = refuse_code(result.get("config"), where)
    arrays = read_npz(folder / WEIGHTS)
    check_sizes(config, sum(array.size for array in arrays.values()), where)
    keras = tf_keras()
    with quiet():
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    positions = {str(name): index for index, name in enumerate(result["layers"])}
    for layer in model.layers:
        index = positions.get(layer.name)
        values = [arrays.get(f"{index}/{j}") for j in range(len(layer.weights))]
        shapes = [None if v is None else v.shape for v in values]
        if shapes != [tuple(w.shape) for w in layer.weights]:
            raise ModelError(
                "its weights did not come back as they are",
                where=f"{where}, layer {printable(layer.name)}",
            )
        if values:
            layer.set_weights(values)
    return checked(model, where), check


def _json(path: Path) -> Any:
    if not path.is_file() or path.stat().st_size > 4 * limits.CONFIG:
        return None
    return parse_json(path.read_bytes(), path.name)
