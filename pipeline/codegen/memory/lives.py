"""What needs memory from when to when: activations, and state between inferences."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.codegen.dtypes import bytes_of
from pipeline.codegen.kernels.kernel import Code
from pipeline.codegen.memory.overlap import Overlap, only_in_place
from pipeline.codegen.memory.parts import Places, parts_of
from pipeline.codegen.memory.plan import saved, up
from pipeline.convert.graph import Graph, Op


def states(graph: Graph) -> list[int]:
    """Tensors that keep their values between inferences, and are used."""
    used = {i for op in graph.ops for i in (*op.inputs, *op.outputs)}
    return [t.index for t in graph.tensors if t.variable and t.index in used]


class Lives:
    """What needs memory from when to when, whatever kernels run.

    Args:
        graph: the model.
        ops: what runs, in order.
        align: every offset is a multiple of it.
        keep_inputs: inputs survive the inference, which can then be repeated on them;
            otherwise their memory is used again after their last reader.

    Attributes:
        root: activation -> the tensor whose memory it is; views share their input's.
        start: activation -> bytes from the beginning of that tensor.
        first, last: root -> steps, inclusive.
        size: root -> bytes.
    """

    def __init__(self, graph: Graph, ops: Sequence[Op], align: int, keep_inputs: bool) -> None:
        self.graph, self.ops, self.align = graph, ops, align
        self.root, self.start = _roots(graph, ops)
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.size: dict[int, int] = {}
        end = len(ops)
        for i in states(graph):
            self._need(i, -1, end)
        for i in graph.inputs:
            self._need(i, -1, end if keep_inputs else -1)
        for step, op in enumerate(ops):
            for i in (*op.inputs, *op.outputs):
                if i >= 0 and i in self.root:
                    self._need(i, step, step)
        for i in graph.outputs:
            if i in self.root:
                self._need(i, end, end)

    def _need(self, index: int, begin: int, end: int) -> None:
        r = self.root[index]
        self.first[r] = min(self.first.get(r, begin), begin)
        self.last[r] = max(self.last.get(r, end), end)
        end_of = self.start[index] + bytes_of(self.graph.tensors[index])
        self.size[r] = max(self.size.get(r, 0), end_of)

    def live(self, step: int) -> list[int]:
        """Roots that need memory in a step."""
        return [r for r, first in self.first.items() if first <= step <= self.last[r]]

    def needed(self, step: int, code: Code) -> int:
        """Bytes that are live while a layer runs with a kernel."""
        roots = self.live(step)
        total = sum(up(self.size[r], self.align) for r in roots) + up(code.scratch, self.align)
        out = self.root.get(self.ops[step].outputs[0])
        shared = [
            saved(overlap, up(self.size[out], self.align), up(self.size[source], self.align))
            for source, overlap in self.overlaps(step, code)
            if out is not None
        ]
        return total - max(shared, default=0)

    def _whole(self, tensor: int) -> bool:
        """It is all that lies in its memory."""
        return bytes_of(self.graph.tensors[tensor]) == self.size[self.root[tensor]]

    def overlaps(self, step: int, code: Code) -> list[tuple[int, Overlap]]:
        """Inputs that die in a step, into which the output may reach: (root, how far)."""
        op = self.ops[step]
        out = self.root.get(op.outputs[0])
        if out is None or self.first[out] != step:
            return []
        found = []
        ways = [(o, False) for o in code.overlaps]
        ways += [(only_in_place(position), True) for position in code.in_place]
        for overlap, elementwise in ways:
            source = self.root.get(op.inputs[overlap.position])
            if source is None or source == out or self.last[source] != step:
                continue
            if not self._whole(op.outputs[0]) or not self._whole(op.inputs[overlap.position]):
                continue
            # Another operand in the same memory is not read in the same order.
            alone = sum(self.root.get(i) == source for i in op.inputs) == 1
            if self.size[source] == self.size[out] if elementwise else alone:
                found.append((source, overlap))
        return found


def _roots(graph: Graph, ops: Sequence[Op]) -> tuple[dict[int, int], dict[int, int]]:
    places, run = Places(), {op.index for op in ops}
    known = [*graph.inputs, *states(graph)]
    for op in graph.ops:
        known += [i for i in op.outputs if not graph.tensors[i].variable]
        if op.index not in run:
            for part in parts_of(graph, op):
                places.put(part)
    found = {i: places.find(i) for i in known}
    return {i: root for i, (root, _) in found.items()}, {i: at for i, (_, at) in found.items()}
