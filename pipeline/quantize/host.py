"""A quantised model on this machine, by LiteRT: how good it is before it meets a chip."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.load.dataset import Dataset
from pipeline.load.evaluate import classes_of
from pipeline.load.flatmodel import FlatModel
from pipeline.load.tfenv import quiet


def run_flat(flat: FlatModel, data: Dataset) -> NDArray[Any]:
    """Return the raw output tensors (n, ...) for every sample, as the model gives them.

    LiteRT's optimised kernels are used: exact comparisons with a chip take TFLite Micro.

    Raises:
        ModelError: LiteRT can not run the model.
    """
    with quiet():
        from ai_edge_litert.interpreter import Interpreter

        try:
            interpreter = Interpreter(model_content=flat.content, num_threads=1)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"LiteRT can not run it: {error}", where=flat.name) from error
    (source,) = interpreter.get_input_details()
    (sink,) = interpreter.get_output_details()
    x = data.x if data.quantized else _to_integers(data.x, source)
    outputs = []
    for sample in x:
        interpreter.reset_all_variables()  # each sample is a sequence of its own
        interpreter.set_tensor(source["index"], sample[np.newaxis])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(sink["index"])[0])
    return np.stack(outputs)


def _to_integers(x: NDArray[Any], detail: dict[str, Any]) -> NDArray[Any]:
    """Quantise real values as TFLite does: x / scale + zero point, halves away from zero."""
    dtype = np.dtype(detail["dtype"])
    scale, zero_point = detail["quantization"]
    if not scale:
        return x.astype(dtype)
    info = np.iinfo(dtype)
    steps = x.astype(np.float32) / np.float32(scale)
    whole = np.trunc(steps + np.copysign(np.float32(0.5), steps)) + zero_point
    integers: NDArray[Any] = np.clip(whole, info.min, info.max).astype(dtype)
    return integers


def evaluate_flat(flat: FlatModel, data: Dataset) -> float | None:
    """Return the fraction of samples the model gets right on this machine; None without labels."""
    if data.y is None:
        return None
    outputs = run_flat(flat, data)
    if outputs[0].size == 1:  # a single probability: compare real values
        outputs = _real_outputs(flat, outputs)
    return float(np.mean(classes_of(outputs) == data.y))


def _real_outputs(flat: FlatModel, outputs: NDArray[Any]) -> NDArray[Any]:
    from ai_edge_litert.interpreter import Interpreter

    with quiet():
        (sink,) = Interpreter(model_content=flat.content).get_output_details()
    scale, zero_point = sink["quantization"]
    return (outputs.astype(np.float64) - zero_point) * scale if scale else outputs
