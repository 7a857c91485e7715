"""Samples as the chip takes them: raw tensors of the model's input, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.convert import Graph, Tensor
from pipeline.errors import DataError
from pipeline.load.dataset import Dataset


def input_tensors(graph: Graph, data: Dataset) -> NDArray[Any]:
    """The samples as input tensors.

    Real values are quantised as TFLite's QUANTIZE does: round(x / scale), halves away from
    zero, plus the zero point, clamped to the type. Raw integers are passed through.

    Returns:
        (n, ...) of the model's own input type, each sample contiguous.

    Raises:
        DataError: not what the model takes; names the data set, and the sample where one
            sample is to blame.
    """
    if len(graph.inputs) != 1:
        raise DataError(
            f"the model has {len(graph.inputs)} inputs, a data set has one array x",
            where=data.name,
        )
    tensor = graph.tensors[graph.inputs[0]]
    shape = tensor.shape[1:]
    if len(data.x) == 0:
        raise DataError("holds no samples", where=data.name)
    if data.x.shape[1:] != shape:
        raise DataError(
            f"samples have shape {data.x.shape[1:]}, the model takes {shape}",
            where=data.name,
        )
    if data.y is not None:
        _check_labels(data, graph.tensors[graph.outputs[0]])
    wanted = np.dtype(tensor.dtype)
    if data.quantized:
        if data.x.dtype != wanted:
            raise DataError(
                f"raw samples are {data.x.dtype.name}, the model takes {wanted.name}",
                where=data.name,
            )
        return np.ascontiguousarray(data.x)
    if data.x.dtype.kind not in "iufb":
        raise DataError(f"x holds {data.x.dtype.name} values, not numbers", where=data.name)
    _check_finite(data)
    if not len(tensor.scales):
        return np.ascontiguousarray(data.x.astype(wanted))
    return quantize(data.x, tensor)


def quantize(x: NDArray[Any], tensor: Tensor) -> NDArray[Any]:
    """Real values -> the tensor's integers."""
    info = np.iinfo(tensor.dtype)
    # float32 as TFLite has it; the sum with a half in float64, where it is exact
    steps = (x.astype(np.float32) / np.float32(tensor.scales[0])).astype(np.float64)
    whole = np.copysign(np.floor(np.abs(steps) + 0.5), steps) + int(tensor.zero_points[0])
    return np.ascontiguousarray(np.clip(whole, info.min, info.max).astype(tensor.dtype))


def classes(tensor: Tensor) -> int:
    """How many classes an output tells apart; a single value tells two."""
    return max(int(np.prod(tensor.shape[1:], dtype=int)), 2)


def predicted(outputs: NDArray[Any], tensor: Tensor) -> NDArray[np.int64]:
    """Class indices from (n, elements) raw outputs: the largest, or the side of one half."""
    if outputs.shape[1] > 1:
        largest: NDArray[np.int64] = np.argmax(outputs, axis=1).astype(np.int64)
        return largest
    value = outputs[:, 0].astype(np.float64)
    if len(tensor.scales):
        value = (value - int(tensor.zero_points[0])) * float(tensor.scales[0])
    sides: NDArray[np.int64] = (value >= 0.5).astype(np.int64)
    return sides


def _check_labels(data: Dataset, output: Tensor) -> None:
    assert data.y is not None
    if len(data.y) != len(data.x):
        raise DataError(f"{len(data.x)} samples, but {len(data.y)} labels", where=data.name)
    wrong = np.flatnonzero((data.y < 0) | (data.y >= classes(output)))
    if len(wrong):
        at = int(wrong[0])
        raise DataError(
            f"y[{at}] is class {data.y[at]}, the model knows 0 to {classes(output) - 1}",
            where=data.name,
            hint="class indices start at 0",
        )


def _check_finite(data: Dataset) -> None:
    if data.x.dtype.kind != "f":
        return
    finite = np.isfinite(data.x)
    if not finite.all():
        at = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise DataError(
            f"x[{', '.join(map(str, at))}] is {data.x[at]}",
            where=data.name,
            hint="drop or repair this sample",
        )
