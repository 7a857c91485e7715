"""From ops to buffers with lifetimes, and back to an address for every tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.codegen.dtypes import bytes_of
from pipeline.codegen.kernels.kernel import Code
from pipeline.codegen.memory.lives import Lives
from pipeline.codegen.memory.overlap import Overlap
from pipeline.codegen.memory.plan import Buffer, plan
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
