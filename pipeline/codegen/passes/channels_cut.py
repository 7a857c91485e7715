"""Takes channels out of tensors, weights and biases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.numeric import I64
from pipeline.codegen.ops import common
from pipeline.codegen.passes.channels_fold import biases, convolution_fold, dense_fold
from pipeline.codegen.passes.edit import Edit
from pipeline.codegen.passes.functions import PAIRS
from pipeline.codegen.passes.ranges import Range
from pipeline.convert.graph import Op, Tensor

Bools = NDArray[np.bool_]


def cut(edit: Edit, gone: dict[int, Bools], known: dict[int, Range]) -> None:
    """Cuts every op to the channels that are left.

    Args:
        edit: the graph.
        gone: tensor -> which of its channels go; consistent over all ops.
        known: bounds of all tensors; channels that go and are read are constant.
    """
    for op in edit.ops():
        here = [i for i in (*op.inputs, *op.outputs) if i in gone and gone[i].any()]
        if not here:
            continue
        if op.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            _weighted(edit, op, gone, known)
        elif op.name in PAIRS and "table" not in op.options:
            _pair(edit, op, gone)
        elif op.name in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS"):
            edit.put(op, inputs=op.inputs[:1])
    for index, lost in gone.items():
        if lost.any():
            edit.tensors[index] = _left(edit.tensors[index], ~lost)


def _left(t: Tensor, keep: Bools) -> Tensor:
    before = t.kept or tuple(range(t.shape[-1]))
    kept = tuple(before[c] for c in np.flatnonzero(keep))
    return replace(t, shape=(*t.shape[:-1], len(kept)), kept=kept)


def _none(channels: int) -> Bools:
    return np.zeros(channels, np.bool_)


def _weighted(edit: Edit, op: Op, gone: dict[int, Bools], known: dict[int, Range]) -> None:
    graph = edit.before
    data, weights, result = (graph.tensors[i] for i in (*op.inputs[:2], op.outputs[0]))
    assert weights.data is not None
    rows = gone.get(result.index, _none(result.shape[-1]))
    columns = gone.get(data.index, _none(data.shape[-1]))
    fold = np.zeros(len(rows), np.int64)
    values = weights.data
    axis = 0
    if op.name == "DEPTHWISE_CONV_2D":
        axis = 3
        values = values[..., ~rows]
    elif op.name == "CONV_2D":
        fold = convolution_fold(graph, op, known[data.index], columns)
        values = values[~rows][..., ~columns]
    else:
        inputs = weights.shape[-1]
        columns = np.tile(columns, inputs // len(columns))
        fold = dense_fold(graph, op, known[data.index], columns)
        values = values.reshape(-1, inputs)[~rows][:, ~columns]
    new = edit.constant(weights, values, **_scales(weights, ~rows, axis))
    total = (biases(graph, op, len(rows)) + fold)[~rows]
    bias = _bias(edit, op, total)
    edit.put(op, inputs=(data.index, new, bias))
    names = [
        f"{len(v) - int(v.sum())} of {len(v)} {what}"
        for v, what in ((columns, "inputs"), (rows, "channels"))
        if v.any()
    ]
    folded = ", the others' part in its biases" if fold[~rows].any() else ""
    edit.note(op, " and ".join(names) + " are left" + folded)


def _scales(t: Tensor, keep: Bools, axis: int) -> dict[str, Any]:
    if len(t.scales) <= 1:
        return {}
    return {"scales": t.scales[keep], "zero_points": t.zero_points[keep], "axis": axis}


def _bias(edit: Edit, op: Op, values: I64) -> int:
    """A constant of these biases; -1 where there were none and there is nothing to add."""
    old = common.optional(edit.before, op, 2)
    if old is None and not values.any():
        return -1
    like = old or replace(
        common.tensor(edit.before, op, 1),
        name=f"{op.layer} bias",
        dtype="int32",
        scales=np.zeros(0, np.float32),
        zero_points=np.zeros(0, np.int32),
    )
    none = {"scales": np.zeros(0, np.float32), "zero_points": np.zeros(0, np.int32)}
    return edit.constant(like, values.astype(np.int32), **none)


def _pair(edit: Edit, op: Op, gone: dict[int, Bools]) -> None:
    """Cuts an operand that is constant to the channels of the result."""
    keep = ~gone[op.outputs[0]]
    inputs = list(op.inputs)
    for position, i in enumerate(op.inputs):
        t = edit.tensors[i]
        if t.data is not None and t.shape and t.shape[-1] == len(keep) > 1:
            inputs[position] = edit.constant(t, t.data[..., keep])
    edit.put(op, inputs=tuple(inputs))
