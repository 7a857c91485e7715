"""Tensors that lie in others: what ops need no code for.

RESHAPE gives the same memory another shape. A join (CONCATENATION, PACK) whose operands lie
in its result needs none either, nor does a split (SPLIT, SLICE, STRIDED_SLICE, UNPACK) whose
results lie in its operand; a graph pass says which of them do, by the option `view`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.codegen.broadcast import merge
from pipeline.codegen.dtypes import bytes_of
from pipeline.codegen.ops import operators
from pipeline.codegen.ops.move import Copy, Mover
from pipeline.convert.graph import Graph, Op


@dataclass(frozen=True)
class Part:
    """A tensor that lies in another one, in one piece.

    Attributes:
        part, whole: tensor indices.
        start: bytes from the beginning of `whole`.
    """

    part: int
    whole: int
    start: int


def is_view(graph: Graph, op: Op) -> bool:
    """The op moves no data."""
    if "view" in op.options:
        return True
    if not operators()[op.name].view:
        return False
    source = graph.tensors[op.inputs[0]]
    return source.data is None and not source.variable


def parts_of(graph: Graph, op: Op) -> tuple[Part, ...]:
    """What lies where, if the op is to need no code; nothing where it has to copy."""
    if operators()[op.name].view:
        return (Part(op.outputs[0], op.inputs[0], 0),)
    kernel = operators()[op.name].kernels[0]
    if not isinstance(kernel, Mover) or not op.outputs:
        return ()
    found = [_part(graph, op, copy) for copy in kernel.plan(graph, op)]
    return tuple(p for p in found if p) if all(found) else ()


def _part(graph: Graph, op: Op, copy: Copy) -> Part | None:
    """One operand or one result as a whole, and in the other one in one piece."""
    source, target = op.inputs[copy.source], op.outputs[copy.target]
    size = np.dtype(graph.tensors[source].dtype).itemsize
    extents, steps = merge(copy.extents, copy.steps_from, copy.steps_to)
    if len(extents) != 1 or steps != ([1], [1]):
        return None
    count = size * extents[0]
    if copy.start_from == 0 and count == bytes_of(graph.tensors[source]):
        return Part(source, target, size * copy.start_to)
    if copy.start_to == 0 and count == bytes_of(graph.tensors[target]):
        return Part(target, source, size * copy.start_from)
    return None


class Places:
    """Which tensor's memory each tensor lies in, while it is found out."""

    def __init__(self) -> None:
        self._within: dict[int, tuple[int, int]] = {}

    def put(self, part: Part) -> None:
        """Takes it that a part, and all that lies in the same memory, lies in a whole."""
        root, start = self.find(part.part)
        self._within[root] = part.whole, part.start - start

    def find(self, tensor: int) -> tuple[int, int]:
        """(the tensor whose memory it is, bytes from its beginning)."""
        start = 0
        while tensor in self._within:
            tensor, more = self._within[tensor]
            start += more
        return tensor, start
