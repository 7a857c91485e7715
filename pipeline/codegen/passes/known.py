"""Values that are known before anything runs: shapes, and what is computed from constants.

Converters leave chains such as SHAPE, STRIDED_SLICE, PACK, RESHAPE in a model, which only say
again what its shapes say, and DEQUANTIZE of float16 weights. All shapes are fixed here (the
batch is 1), so such tensors are constants; the ops that make them are gone before support is
checked. Integers and bools are computed as the definitions say; floats are copied, widened
or dequantised, never added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.passes.edit import Edit
from pipeline.convert.graph import Graph, Op, Tensor
from pipeline.convert.hybrid import real_values

Values = NDArray[Any]
_MOST_ELEMENTS = 1 << 20
"""A constant that is computed may be this large: a table that would not fit anyway is left."""
_WHOLE = ("int32", "int64", "bool", "uint8", "int8", "int16")


def run(graph: Graph) -> Edit:
    """Replaces what is known by constants, and forgets tensors that no op uses."""
    edit = Edit(graph)
    for op in edit.ops():
        if len(op.outputs) != 1 or not edit.free(op.outputs[0]):
            continue
        values = _known(edit, op)
        if values is None:
            continue
        t = edit.tensors[op.outputs[0]]
        kind = values.dtype if t.dtype == "float32" else np.dtype(t.dtype)
        stored = np.array(values, kind, order="C").reshape(t.shape)
        edit.tensors[t.index] = replace(t, data=stored, variable=False)
        edit.remove(op)
        edit.note(op, "its result is known")
    return edit


def settled(graph: Graph) -> Graph:
    """The graph with all that is known as constants.

    Tensors that no op uses any more, or never did, hold nothing: handles of variables and
    other things that have no type on a chip.
    """
    made = run(graph).graph()
    used = {i for op in made.ops for i in (*op.inputs, *op.outputs)}
    used.update(made.inputs, made.outputs)
    tensors = tuple(t if t.index in used else _nothing(t) for t in made.tensors)
    return replace(made, tensors=tensors)


def _nothing(t: Tensor) -> Tensor:
    none = np.zeros(0, np.float32), np.zeros(0, np.int32)
    return replace(t, shape=(0,), dtype="int8", scales=none[0], zero_points=none[1], data=None)


def _known(edit: Edit, op: Op) -> Values | None:
    result = edit.tensors[op.outputs[0]]
    if math.prod(result.shape) > _MOST_ELEMENTS or op.name not in _RULES:
        return None
    inputs = [edit.tensors[i] if i >= 0 else None for i in op.inputs]
    if any(t is None or t.data is None for t in inputs) and op.name not in ("SHAPE", "ZEROS_LIKE"):
        return None
    if op.name in _SAME_STORED and not _alike(inputs, result):
        return None
    try:
        values = np.asarray(_RULES[op.name](op, [t for t in inputs if t is not None], result))
    except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError):
        return None  # it makes no sense: the check of support says so
    return values if values.size == math.prod(result.shape) else None


def _alike(inputs: list[Tensor | None], result: Tensor) -> bool:
    """Values are moved: integers without scales, floats, or one quantisation all through."""
    data = [t for t in inputs if t is not None and t.dtype == result.dtype]
    return bool(data) and all(
        t.scales.tobytes() == result.scales.tobytes()
        and t.zero_points.tobytes() == result.zero_points.tobytes()
        for t in data
        if len(t.scales) or len(result.scales)
    )


def _data(t: Tensor) -> Values:
    assert t.data is not None
    return t.data


def _list(t: Tensor) -> list[int]:
    return [int(v) for v in _data(t).reshape(-1)]


def _shape(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    return np.array(inputs[0].shape, result.dtype)


def _zeros(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    return np.zeros(result.shape, result.dtype)


def _fill(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    return np.full(_list(inputs[0]), _data(inputs[1]).reshape(-1)[0])


def _range(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    if result.dtype not in ("int32", "int64"):
        raise ValueError(result.dtype)
    first, limit, step = (int(_data(t).reshape(-1)[0]) for t in inputs)
    return np.arange(first, limit, step)


def _pack(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    return np.stack([_data(t) for t in inputs], axis=int(op.options.get("axis", 0)))


def _concat(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    if op.options.get("fused_activation_function", 0):
        raise ValueError("a fused activation")
    return np.concatenate([_data(t) for t in inputs], axis=int(op.options.get("axis", 0)))


def _strided(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    o, data = op.options, _data(inputs[0])
    if any(o.get(name, 0) for name in ("ellipsis_mask", "new_axis_mask", "offset")):
        raise ValueError("a mask that is not known")
    begin, end, step = (_list(t) for t in inputs[1:4])
    index: list[Any] = []
    for d, (a, b, s) in enumerate(zip(begin, end, step, strict=True)):
        if int(o.get("shrink_axis_mask", 0)) >> d & 1:
            index.append(a)
            continue
        low = None if int(o.get("begin_mask", 0)) >> d & 1 else a
        high = None if int(o.get("end_mask", 0)) >> d & 1 else b
        index.append(slice(low, high, s))
    return np.asarray(data[tuple(index)])


def _slice(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    data = _data(inputs[0])
    begin, size = (_list(t) for t in inputs[1:3])
    ends = [n if m < 0 else a + m for a, m, n in zip(begin, size, data.shape, strict=True)]
    return np.asarray(data[tuple(slice(a, b) for a, b in zip(begin, ends, strict=True))])


def _gather(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    if op.options.get("batch_dims", 0):
        raise ValueError("batches")
    places = _data(inputs[1])
    if places.size and places.min() < 0:
        raise IndexError("a place before the data")
    return np.take(_data(inputs[0]), places, axis=int(op.options.get("axis", 0)))


def _same(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    return _data(inputs[0])


def _cast(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    if inputs[0].dtype not in _WHOLE or result.dtype not in (*_WHOLE, "float32"):
        raise ValueError(result.dtype)
    return _data(inputs[0]).astype(result.dtype)


def _tile(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    return np.tile(_data(inputs[0]), _list(inputs[1]))


def _broadcast(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    return np.broadcast_to(_data(inputs[0]), _list(inputs[1]))


def _broadcast_args(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    return np.array(np.broadcast_shapes(*(tuple(_list(t)) for t in inputs)))


def _transpose(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    return np.transpose(_data(inputs[0]), _list(inputs[1]))


def dequantized(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
    """A constant as float32.

    Raises:
        ValueError: of a type that holds no real values.
    """
    (t,) = inputs
    if result.dtype != "float32" or t.dtype not in ("float16", "int8", "uint8", "int16"):
        raise ValueError(t.dtype)
    return _data(t).astype(np.float32) if t.dtype == "float16" else real_values(t)


def _whole(function: Callable[..., Values]) -> Callable[[Op, list[Tensor], Tensor], Values]:
    """Of integers without a scale: shapes, places, counts."""

    def rule(op: Op, inputs: list[Tensor], result: Tensor) -> Values:
        if any(t.dtype not in ("int32", "int64") or len(t.scales) for t in (*inputs, result)):
            raise ValueError("no plain integers")
        if op.options.get("fused_activation_function", 0):
            raise ValueError("a fused activation")
        with np.errstate(all="raise"):
            return function(*(_data(t).astype(np.int64) for t in inputs))

    return rule


def _product(data: Values, axes: Values) -> Values:
    return np.asarray(np.prod(data, axis=tuple(int(a) for a in axes.reshape(-1))))


_SAME_STORED = frozenset(
    {
        "BROADCAST_TO", "CONCATENATION", "EXPAND_DIMS", "GATHER", "PACK", "RESHAPE", "SLICE",
        "SQUEEZE", "STRIDED_SLICE", "TILE", "TRANSPOSE",
    }
)  # fmt: skip

_RULES: dict[str, Callable[[Op, list[Tensor], Tensor], Values]] = {
    "ADD": _whole(np.add),
    "BROADCAST_ARGS": _broadcast_args,
    "BROADCAST_TO": _broadcast,
    "CAST": _cast,
    "CONCATENATION": _concat,
    "DEQUANTIZE": dequantized,
    "EXPAND_DIMS": _same,
    "FILL": _fill,
    "FLOOR_DIV": _whole(np.floor_divide),
    "GATHER": _gather,
    "MAXIMUM": _whole(np.maximum),
    "MINIMUM": _whole(np.minimum),
    "MUL": _whole(np.multiply),
    "PACK": _pack,
    "RANGE": _range,
    "REDUCE_PROD": _whole(_product),
    "RESHAPE": _same,
    "SHAPE": _shape,
    "SLICE": _slice,
    "SQUEEZE": _same,
    "STRIDED_SLICE": _strided,
    "SUB": _whole(np.subtract),
    "TILE": _tile,
    "TRANSPOSE": _transpose,
    "ZEROS_LIKE": _zeros,
}


FOLDED = frozenset(_RULES)
"""Operators that are computed ahead of time where their inputs are known."""
