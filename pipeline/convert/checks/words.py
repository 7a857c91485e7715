"""How checks say where something is wrong."""

from __future__ import annotations

from pipeline.convert.graph import Graph, Op, Tensor
from pipeline.errors import ModelError

AGAIN = "convert the model again: the file contradicts itself"
_LONGEST = 80


def place(op: Op) -> str:
    """An op's place in the file."""
    return f"{op.name} {op.layer[:_LONGEST]!r} (op {op.index})"


def named(t: Tensor) -> str:
    """A tensor's place in the file."""
    return f"tensor {t.index} ({t.name[:_LONGEST]})"


def refused(graph: Graph, op: Op | None, what: str, hint: str = AGAIN) -> ModelError:
    """An error about an op, or about the whole model."""
    where = graph.name if op is None else f"{graph.name}: {place(op)}"
    return ModelError(what, where=where, hint=hint)


def damaged(graph: Graph, op: Op | None, what: str) -> ModelError:
    """An error about what no converter writes."""
    return refused(graph, op, f"the file is damaged: {what}")


def given(graph: Graph, op: Op, position: int) -> Tensor | None:
    """Input tensor `position`; None where it is absent."""
    if position >= len(op.inputs) or op.inputs[position] < 0:
        return None
    return graph.tensors[op.inputs[position]]
