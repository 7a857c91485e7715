"""Resource variables become variable tensors.

TensorFlow keeps a model's variables beside the graph: VAR_HANDLE names one, READ_VARIABLE
and ASSIGN_VARIABLE go through the handle, and CALL_ONCE runs a second subgraph that sets
the first values. A Graph has none of that: READ_VARIABLE reads a variable tensor,
ASSIGN_VARIABLE writes one, and its first values are in `Tensor.initial`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from pipeline.convert.graph import Op, Tensor

Name = tuple[str, str]
"""(container, shared name) of a resource variable."""
Parts = tuple[tuple[Tensor, ...], tuple[Op, ...]]
"""Tensors and ops of a subgraph."""


class Unresolved(Exception):
    """What keeps resource variables from being resolved, in words."""


def _handles(ops: tuple[Op, ...]) -> dict[int, Name]:
    """Tensor of a handle -> the variable it stands for."""
    return {
        op.outputs[0]: (
            str(op.options.get("container") or ""),
            str(op.options.get("shared_name") or ""),
        )
        for op in ops
        if op.name == "VAR_HANDLE" and op.outputs
    }


def _handle(handles: dict[int, Name], op: Op) -> Name:
    count = 1 if op.name == "READ_VARIABLE" else 2
    if len(op.inputs) != count or op.inputs[0] not in handles:
        raise Unresolved(f"{op.name} (op {op.index}) without a VAR_HANDLE")
    if op.name == "READ_VARIABLE" and len(op.outputs) != 1:
        raise Unresolved(f"{op.name} (op {op.index}) without an output")
    return handles[op.inputs[0]]


def first_values(part: Parts) -> dict[Name, NDArray[Any]]:
    """What a subgraph called once assigns; it may do nothing else.

    Raises:
        Unresolved: it computes, or assigns what is no constant.
    """
    tensors, ops = part
    handles = _handles(ops)
    values: dict[Name, NDArray[Any]] = {}
    for op in ops:
        if op.name == "VAR_HANDLE":
            continue
        if op.name != "ASSIGN_VARIABLE":
            raise Unresolved(f"{op.name} in a subgraph that is called once")
        name = _handle(handles, op)
        data = tensors[op.inputs[1]].data if op.inputs[1] >= 0 else None
        if data is None:
            raise Unresolved(f"a first value of {name[1]!r} that is computed")
        values[name] = data
    return values


def resolve(part: Parts, first: dict[Name, NDArray[Any]]) -> Parts:
    """Replaces handles by variable tensors.

    Args:
        part: tensors and ops of the model's subgraph.
        first: values that variables start with; others start at their zero point.

    Raises:
        Unresolved: a variable is used with two shapes, or its handle is passed around.
    """
    tensors, ops = list(part[0]), part[1]
    handles = _handles(ops)
    variables: dict[Name, int] = {}

    def variable(name: Name, like: Tensor) -> int:
        if name in variables:
            if tensors[variables[name]].shape != like.shape:
                raise Unresolved(f"variable {name[1]!r} with two shapes")
            return variables[name]
        values = first.get(name)
        if values is not None and values.nbytes != 0 and values.size != _elements(like):
            raise Unresolved(f"variable {name[1]!r} with two shapes")
        made = replace(
            like,
            index=len(tensors),
            name=name[1],
            data=None,
            variable=True,
            initial=values,
            origin=-1,
        )
        variables[name] = made.index
        tensors.append(made)
        return made.index

    result: list[Op] = []
    for op in ops:
        if op.name in ("VAR_HANDLE", "CALL_ONCE"):
            continue
        if op.name == "READ_VARIABLE":
            name = _handle(handles, op)
            op = replace(op, inputs=(variable(name, tensors[op.outputs[0]]),), layer=name[1])
        elif op.name == "ASSIGN_VARIABLE":
            name = _handle(handles, op)
            if op.inputs[1] < 0:
                raise Unresolved(f"{op.name} (op {op.index}) without a value")
            target = variable(name, tensors[op.inputs[1]])
            op = replace(op, inputs=op.inputs[1:], outputs=(target,), layer=name[1])
        elif any(i in handles for i in (*op.inputs, *op.outputs)):
            raise Unresolved(f"{op.name} (op {op.index}) on a variable's handle")
        result.append(replace(op, index=len(result)))
    return tuple(tensors), tuple(result)


def _elements(t: Tensor) -> int:
    count = 1
    for n in t.shape:
        count *= n
    return count
