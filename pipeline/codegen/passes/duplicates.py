"""Equal constants become one, and ops that compute the same are run once."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.codegen.passes.edit import Edit, stateful
from pipeline.convert.graph import Graph, Tensor

Key = tuple[Any, ...]


def run(graph: Graph) -> Edit:
    """Merges what is there twice, from the first op on."""
    edit = Edit(graph)
    constants: dict[Key, int] = {}
    ops: dict[Key, tuple[int, ...]] = {}
    for op in edit.ops():
        inputs = tuple(_first(constants, edit.tensors[i]) if i >= 0 else i for i in op.inputs)
        if inputs != op.inputs:
            op = edit.put(op, inputs=inputs)
            edit.note(op, "reads a constant that another layer has too")
        if stateful(edit, op):
            continue
        kinds = tuple(_kind(edit.tensors[i]) for i in op.outputs)
        key = (op.name, op.version, op.inputs, repr(sorted(op.options.items())), kinds)
        twin = ops.setdefault(key, op.outputs)
        if twin is op.outputs or not all(edit.free(i) for i in op.outputs):
            continue
        edit.remove(op)
        for source, copy in zip(twin, op.outputs, strict=True):
            edit.merge(source, copy)
        edit.note(op, "another layer computes the same")
    return edit


def _first(known: dict[Key, int], t: Tensor) -> int:
    """The first constant that equals it; itself for an activation."""
    if t.data is None:
        return t.index
    values = np.ascontiguousarray(t.data)
    return known.setdefault((*_kind(t), values.dtype.str, values.tobytes()), t.index)


def _kind(t: Tensor) -> Key:
    return (t.shape, t.dtype, t.scales.tobytes(), t.zero_points.tobytes(), t.axis)
