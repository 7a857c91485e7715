"""From ops to buffers with lifetimes, and back to an address for every tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.codegen.kernel import Code
from pipeline.codegen.ops import registry
from pipeline.codegen.plan import Buffer, plan
from pipeline.codegen.program import Placement
from pipeline.convert.graph import Graph, Op, Tensor


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


def bytes_of(t: Tensor) -> int:
    """Bytes a tensor takes in memory."""
    return math.prod(t.shape) * np.dtype(t.dtype).itemsize


def states(graph: Graph) -> list[int]:
    """Tensors that keep their values between inferences, and are used."""
    used = {i for op in graph.ops for i in (*op.inputs, *op.outputs)}
    return [t.index for t in graph.tensors if t.variable and t.index in used]


def assign(
    graph: Graph, layers: Sequence[tuple[Op, Code]], align: int, keep_inputs: bool
) -> Memory:
    """Places all activations and scratch memory.

    Args:
        graph: the model.
        layers: what runs, in order.
        align: every offset is a multiple of it.
        keep_inputs: inputs survive the inference, which can then be repeated on them;
            otherwise their memory is used again after their last reader.
    """
    root = _roots(graph, layers)
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    end = len(layers)

    def need(index: int, step: int) -> None:
        r = root[index]
        first[r] = min(first.get(r, step), step)
        last[r] = max(last.get(r, step), step)

    for i in states(graph):
        need(i, -1)
        need(i, end)
    for i in graph.inputs:
        need(i, -1)
        if keep_inputs:
            need(i, end)
    for step, (op, _) in enumerate(layers):
        for i in (*op.inputs, *op.outputs):
            if i >= 0 and i in root:
                need(i, step)
    for i in graph.outputs:
        if i in root:
            need(i, end)
    _take_over(graph, layers, root, first, last)
    size: dict[int, int] = {}
    for i, r in root.items():
        size[r] = max(size.get(r, 0), bytes_of(graph.tensors[i]))
    for op, code in layers:
        if code.slack and op.inputs[0] in root:
            r = root[op.inputs[0]]
            size[r] = max(size[r], bytes_of(graph.tensors[op.inputs[0]]) + code.slack)
    buffers = [Buffer(f"tensor {r}", size[r], first[r], last[r]) for r in sorted(first)]
    buffers += [
        Buffer(f"scratch {n}", code.scratch, n, n)
        for n, (_, code) in enumerate(layers)
        if code.scratch
    ]
    result = plan(buffers, align)
    placements = tuple(
        Placement(
            name=b.key,
            tensors=tuple(i for i in sorted(root) if f"tensor {root[i]}" == b.key),
            offset=result.offsets[b.key],
            size=b.size,
            first=b.first,
            last=b.last,
        )
        for b in buffers
    )
    return Memory(
        tensors={i: result.offsets[f"tensor {r}"] for i, r in root.items() if r in first},
        scratch={n: result.offsets[f"scratch {n}"] for n, (_, c) in enumerate(layers) if c.scratch},
        size=max(result.size, 1),
        bound=result.bound,
        placements=placements,
    )


def _roots(graph: Graph, layers: Sequence[tuple[Op, Code]]) -> dict[int, int]:
    """Activation -> the tensor whose memory it is; views share their input's."""
    root: dict[int, int] = {i: i for i in (*graph.inputs, *states(graph))}
    run = {op.index for op, _ in layers}
    known = registry()
    for op in graph.ops:
        for i in op.outputs:
            if graph.tensors[i].variable:
                continue
            view = known[op.name].view and op.index not in run
            root[i] = root[op.inputs[0]] if view else i
    return root


def _take_over(
    graph: Graph,
    layers: Sequence[tuple[Op, Code]],
    root: dict[int, int],
    first: dict[int, int],
    last: dict[int, int],
) -> None:
    """Lets outputs take over the memory of inputs that are read for the last time."""
    for step, (op, code) in enumerate(layers):
        out = root[op.outputs[0]]
        if first[out] != step:
            continue
        for position in code.in_place:
            source = root.get(op.inputs[position])
            if source is None or source == out or last[source] != step:
                continue
            if bytes_of(graph.tensors[source]) != bytes_of(graph.tensors[out]):
                continue
            last[source] = last.pop(out)
            first.pop(out)
            for i, r in root.items():
                if r == out:
                    root[i] = source
            break
