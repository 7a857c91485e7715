"""Functions of one int8 tensor become one table of 256 entries.

ADD, SUB, MUL, MAXIMUM and MINIMUM of a tensor and a single value, or of two functions of
the same tensor (x * sigmoid(x)); DEQUANTIZE and QUANTIZE in a row; and chains of tables, of
which only the last one is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.codegen.numeric import scale_of, zero_of
from pipeline.codegen.ops.lookup import stored_inputs
from pipeline.codegen.passes.edit import Edit, alike
from pipeline.codegen.passes.functions import (
    PAIRS,
    Table,
    apply,
    identity,
    pair,
    table_of,
    uniform,
)
from pipeline.codegen.passes.ranges import ranges
from pipeline.convert.graph import Graph, Op


@dataclass(frozen=True, eq=False)
class _Operand:
    """A tensor as a function of another one.

    Attributes:
        root: the tensor it is a function of; None for a single value.
        values: the function.
        ops: what computes it and is needed for nothing else.
    """

    root: int | None
    values: Table
    ops: tuple[Op, ...] = ()


def run(graph: Graph) -> Edit:
    """Makes tables of whatever is a function of one tensor; takes out what changes nothing."""
    edit = Edit(graph)
    known = ranges(graph)
    for op in edit.ops():
        if op.name in PAIRS and len(op.inputs) == 2:
            found = _pair(edit, op)
        else:
            found = _chain(edit, op) or _by_float(edit, op)
        if found is not None and found.root is not None:
            edit.put(
                op,
                inputs=(found.root,),
                options={"table": found.values.tobytes()},
                version=1,
                origins=(*(o for behind in found.ops for o in behind.origins), *op.origins),
            )
            for behind in found.ops:
                edit.remove(behind)
            names = ", ".join(f"{o.name} {o.layer!r}" for o in found.ops)
            edit.note(op, f"a table of 256 entries{', with ' + names if names else ''}")
            continue
        values = table_of(edit, op)
        if values is None:
            continue
        low, high = known[op.inputs[0]]
        span = np.arange(low.min(), high.max() + 1)
        t, result = edit.tensors[op.inputs[0]], edit.tensors[op.outputs[0]]
        if (
            alike(t, result)
            and t.shape == result.shape
            and bool((apply(values, span) == span).all())
            and edit.merge(t.index, result.index)
        ):
            edit.remove(op)
            edit.note(op, "changes no value that can occur")
    return edit


def _chain(edit: Edit, op: Op) -> _Operand | None:
    """A table behind a table."""
    values = table_of(edit, op)
    if values is None:
        return None
    operand = _operand(edit, op.inputs[0])
    if operand.root == op.inputs[0]:
        return None
    return _Operand(operand.root, apply(values, operand.values), operand.ops)


def _by_float(edit: Edit, op: Op) -> _Operand | None:
    """QUANTIZE of what DEQUANTIZE gave, in float32 as both compute."""
    behind = edit.writer(op.inputs[0]) if op.name == "QUANTIZE" else None
    if behind is None or behind.name != "DEQUANTIZE" or not edit.private(op.inputs[0]):
        return None
    data, result = edit.tensors[behind.inputs[0]], edit.tensors[op.outputs[0]]
    if (data.dtype, result.dtype) != ("int8", "int8") or data.data is not None:
        return None
    real = (stored_inputs() - zero_of(data)).astype(np.float32) * scale_of(data)
    scaled = np.clip(real / scale_of(result), np.float32(-1000), np.float32(1000))
    rounded = np.trunc(scaled)
    rounded += np.sign(scaled) * (np.abs(scaled - rounded) >= 0.5)
    values = np.clip(rounded.astype(np.int64) + zero_of(result), -128, 127)
    return _Operand(data.index, values.astype(np.int8), (behind,))


def _operand(edit: Edit, tensor: int) -> _Operand:
    """One step back, where the op is needed for nothing else."""
    behind = edit.writer(tensor)
    if behind is not None and edit.private(tensor):
        values = table_of(edit, behind)
        source = behind.inputs[0]
        if values is not None and edit.tensors[source].shape == edit.tensors[tensor].shape:
            return _Operand(source, values, (behind,))
    return _Operand(tensor, identity())


def _pair(edit: Edit, op: Op) -> _Operand | None:
    """Two operands of which one is a single value, or both are functions of one tensor."""
    tensors = [edit.tensors[i] for i in op.inputs]
    result = edit.tensors[op.outputs[0]]
    if any(t.dtype != "int8" or t.variable for t in (*tensors, result)):
        return None
    single = [uniform(t) for t in tensors]
    if None not in single:
        return None
    operands = []
    for t, value in zip(tensors, single, strict=True):
        if value is not None:
            operands.append(_Operand(None, np.full(256, value, np.int8)))
        elif t.data is None and t.shape == result.shape:
            operands.append(_Operand(t.index, identity()))
        else:
            return None
    roots = {o.root for o in operands} - {None}
    if len(roots) > 1:
        operands = _common(edit, op) or []
    if not operands:
        return None
    a, b = operands
    args = (o.values.astype(np.int64) for o in operands)
    values = pair(op, tensors[0], tensors[1], result, *args).astype(np.int8)
    root = a.root if a.root is not None else b.root
    return _Operand(root, values, (*a.ops, *b.ops))


def _common(edit: Edit, op: Op) -> list[_Operand] | None:
    """Both operands as functions of the nearest tensor that both depend on alone."""
    left, right = (_path(edit, i) for i in op.inputs)
    for steps in range(1, len(left) + len(right) - 1):
        for i in range(min(steps, len(left) - 1) + 1):
            j = steps - i
            if j < len(right) and left[i].root == right[j].root:
                return [left[i], right[j]]
    return None


def _path(edit: Edit, tensor: int) -> list[_Operand]:
    """A tensor as a function of itself, of the tensor before it, and so on.

    Ops whose results something else reads too are looked through: they stay for that, or for
    the pass that takes out what nothing reads any more.
    """
    path = [_Operand(tensor, identity())]
    private = True
    while True:
        last = path[-1]
        behind = edit.writer(last.root) if last.root is not None else None
        values = None if behind is None else table_of(edit, behind)
        if behind is None or values is None:
            return path
        source = behind.inputs[0]
        if edit.tensors[source].shape != edit.tensors[tensor].shape:
            return path
        private = private and edit.private(behind.outputs[0])
        ops = (*last.ops, behind) if private else last.ops
        path.append(_Operand(source, apply(last.values, values), ops))
