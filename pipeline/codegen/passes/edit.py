"""A graph in the making: what passes change a graph with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.program import Note
from pipeline.convert.graph import Graph, Op, Tensor


class Edit:
    """Changes to a graph, and notes of what was done.

    Tensors keep their index: new ones come behind, and those no one needs any more stay
    in the list. Ops are known by their index until `graph()` numbers them anew.
    """

    def __init__(self, graph: Graph) -> None:
        self.before = graph
        self.tensors: list[Tensor] = list(graph.tensors)
        self.notes: list[Note] = []
        self._ops: dict[int, Op] = {op.index: op for op in graph.ops}

    @property
    def changed(self) -> bool:
        """Something was done."""
        return bool(self.notes)

    def ops(self) -> Iterator[Op]:
        """The ops left, in order, as they are at the moment."""
        for index in list(self._ops):
            if index in self._ops:
                yield self._ops[index]

    def graph(self) -> Graph:
        """The graph with all changes."""
        ops = tuple(replace(op, index=i) for i, op in enumerate(self._ops.values()))
        return replace(self.before, tensors=tuple(self.tensors), ops=ops)

    def note(self, op: Op, text: str) -> None:
        """Says what was done with a layer."""
        self.notes.append(Note(op.name, op.layer, text))

    def put(self, op: Op, **changes: Any) -> Op:
        """An op with other attributes in its place."""
        self._ops[op.index] = replace(op, **changes)
        return self._ops[op.index]

    def remove(self, op: Op) -> None:
        """Takes an op out."""
        del self._ops[op.index]

    def constant(self, like: Tensor, values: NDArray[Any], **changes: Any) -> int:
        """Index of a new constant, quantised as `like`."""
        made = replace(
            like,
            index=len(self.tensors),
            shape=values.shape,
            data=np.ascontiguousarray(values),
            origin=-1,
            kept=None,
            **changes,
        )
        self.tensors.append(made)
        return made.index

    def writer(self, tensor: int) -> Op | None:
        """The op whose output it is."""
        return next((op for op in self._ops.values() if tensor in op.outputs), None)

    def readers(self, tensor: int) -> list[Op]:
        """The ops that read it."""
        return [op for op in self._ops.values() if tensor in op.inputs]

    def free(self, tensor: int) -> bool:
        """An activation between two ops: not seen from outside, no state."""
        t = self.tensors[tensor]
        ends = (*self.before.inputs, *self.before.outputs)
        return t.data is None and not t.variable and tensor not in ends

    def private(self, tensor: int) -> bool:
        """One op alone reads it, and no one else sees it."""
        return self.free(tensor) and len(self.readers(tensor)) == 1

    def merge(self, source: int, copy: int) -> bool:
        """Lets one of two tensors with the same values stand for both; False where it can't.

        Args:
            source: what is copied.
            copy: written by the op that is about to go.
        """
        if self.free(copy):
            kept, gone = source, copy
        elif self.free(source):
            kept, gone = copy, source
        else:
            return False
        for op in self.ops():
            if gone in (*op.inputs, *op.outputs):
                self.put(
                    op,
                    inputs=tuple(kept if i == gone else i for i in op.inputs),
                    outputs=tuple(kept if i == gone else i for i in op.outputs),
                )
        return True


def alike(a: Tensor, b: Tensor) -> bool:
    """Both store values alike: one type, one scale, one zero point."""
    return (
        a.dtype == b.dtype
        and a.scales.tobytes() == b.scales.tobytes()
        and a.zero_points.tobytes() == b.zero_points.tobytes()
    )


def stateful(graph: Graph | Edit, op: Op) -> bool:
    """The op reads or writes what survives the inference."""
    return any(i >= 0 and graph.tensors[i].variable for i in (*op.inputs, *op.outputs))
