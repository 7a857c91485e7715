"""From ops to buffers with lifetimes, and back to an address for every tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.codegen.kernel import Code
from pipeline.codegen.overlap import Overlap, only_in_place
from pipeline.codegen.parts import Places, bytes_of, parts_of
from pipeline.codegen.plan import Buffer, plan, saved, up
from pipeline.codegen.program import Placement
from pipeline.convert.graph import Graph, Op


@dataclass(frozen=True)
class Memory:
    """The arena's layout.

    Attributes:
        tensors: tensor index -> offset in bytes.
        scratch: layer number -> offset in bytes.
        size: bytes of the arena.
        bound: bytes live at the worst step.
        placements: the same for people.
    """

    tensors: dict[int, int]
    scratch: dict[int, int]
    size: int
    bound: int
    placements: tuple[Placement, ...]


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


def assign(
    graph: Graph, layers: Sequence[tuple[Op, Code]], align: int, keep_inputs: bool
) -> Memory:
    """Places all activations and scratch memory.

    Args:
        graph: the model.
        layers: what runs, in order.
        align: every offset is a multiple of it.
        keep_inputs: see `Lives`.
    """
    lives = Lives(graph, [op for op, _ in layers], align, keep_inputs)
    _take_over(lives, layers)
    root = lives.root
    buffers = [
        Buffer(f"tensor {r}", lives.size[r], lives.first[r], lives.last[r])
        for r in sorted(lives.first)
    ]
    buffers += [
        Buffer(f"scratch {n}", code.scratch, n, n)
        for n, (_, code) in enumerate(layers)
        if code.scratch
    ]
    pairs: dict[tuple[str, str], Overlap] = {}
    for step, (op, code) in enumerate(layers):
        for source, overlap in lives.overlaps(step, code):
            pairs.setdefault((f"tensor {root[op.outputs[0]]}", f"tensor {source}"), overlap)
    result = plan(buffers, align, pairs)
    tensors = {
        i: result.offsets[f"tensor {r}"] + lives.start[i]
        for i, r in root.items()
        if r in lives.first
    }
    placements = [
        Placement(
            name=b.key,
            tensors=tuple(
                i for i in sorted(root) if f"tensor {root[i]}" == b.key and not lives.start[i]
            ),
            offset=result.offsets[b.key],
            size=b.size,
            first=b.first,
            last=b.last,
        )
        for b in buffers
    ]
    placements += [
        Placement(
            name=f"tensor {i}, part of {root[i]}",
            tensors=(i,),
            offset=tensors[i],
            size=bytes_of(graph.tensors[i]),
            first=lives.first[root[i]],
            last=lives.last[root[i]],
        )
        for i in sorted(tensors)
        if lives.start[i]
    ]
    read_to = [
        tensors[op.inputs[0]] + bytes_of(graph.tensors[op.inputs[0]]) + code.slack
        for op, code in layers
        if code.slack and op.inputs[0] in tensors
    ]
    return Memory(
        tensors=tensors,
        scratch={n: result.offsets[f"scratch {n}"] for n, (_, c) in enumerate(layers) if c.scratch},
        size=max(result.size, 1, *read_to),
        bound=result.bound,
        placements=tuple(placements),
    )


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


def _take_over(lives: Lives, layers: Sequence[tuple[Op, Code]]) -> None:
    """Makes one buffer of an input that is read for the last time and an output in its place."""
    for step, (op, code) in enumerate(layers):
        for source, overlap in lives.overlaps(step, code):
            out = lives.root[op.outputs[0]]
            if not overlap.allows(0) or lives.size[source] != lives.size[out]:
                continue
            lives.last[source] = lives.last.pop(out)
            del lives.first[out]
            for i, r in lives.root.items():
                if r == out:
                    lives.root[i] = source
            break
