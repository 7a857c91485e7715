"""Graph passes: the same outputs from less work.

Each pass is a module of its own with `run(graph) -> Edit`, small, and exact: the outputs of
the graph it gives are bit-identical for every input. They are repeated in order until none
finds anything more to do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from pipeline.codegen.memory.parts import is_view, parts_of
from pipeline.codegen.passes import (
    channels,
    clamps,
    constants,
    dead,
    dilation,
    duplicates,
    moves,
    one_channel,
    padding,
    parts,
    tables,
)
from pipeline.codegen.passes.edit import Edit
from pipeline.codegen.program import Pass
from pipeline.convert.graph import Graph
from pipeline.convert.statistics import total_macs

PASSES: dict[str, tuple[str, Callable[[Graph], Edit]]] = {
    "dead": ("ops whose results are never read", dead.run),
    "duplicates": ("what is there twice", duplicates.run),
    "moves": ("copies in the same order", moves.run),
    "tables": ("functions of one tensor as tables", tables.run),
    "clamps": ("activations in the op before them", clamps.run),
    "dilation": ("dilated convolutions put together", dilation.run),
    "padding": ("padding in the op behind it", padding.run),
    "constants": ("results that no input changes", constants.run),
    "one_channel": ("a depthwise layer of one channel as a convolution", one_channel.run),
    "channels": ("channels without effect", channels.run),
    "parts": ("joins and splits without copies", parts.run),
}
"""Name -> what it is for, and the pass; in order."""

_LAST = "parts"
"""Says where tensors lie: it needs their last shapes."""

_MOST_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class Simplified:
    """A graph that computes the same outputs, and how it was made.

    Attributes:
        graph: tensors keep their indices; see `Tensor.origin`, `Tensor.kept`, `Op.origins`.
        passes: those that did something, in order.
    """

    graph: Graph
    passes: tuple[Pass, ...]


@dataclass(frozen=True)
class _Size:
    """What a graph takes."""

    ops: int
    macs: int
    constant_bytes: int
    tensor_bytes: int


def simplify(graph: Graph, names: Collection[str] = tuple(PASSES)) -> Simplified:
    """Runs graph passes until none changes anything.

    Args:
        graph: a graph whose ops are all supported.
        names: which of PASSES to run.
    """
    done: dict[str, Pass] = {}

    def step(graph: Graph, name: str) -> Graph:
        title, run = PASSES[name]
        edit = run(graph)
        new = edit.graph()
        if not edit.changed or not new.ops:
            return graph
        old, now = _size(graph), _size(new)
        was = done.get(name, Pass(name, title, (), 0, 0, 0, 0))
        done[name] = replace(
            was,
            notes=(*was.notes, *edit.notes),
            ops=was.ops + old.ops - now.ops,
            macs=was.macs + old.macs - now.macs,
            constant_bytes=was.constant_bytes + old.constant_bytes - now.constant_bytes,
            tensor_bytes=was.tensor_bytes + old.tensor_bytes - now.tensor_bytes,
        )
        return new

    for _ in range(_MOST_ROUNDS):
        before = graph
        for name in PASSES:
            if name in names and name != _LAST:
                graph = step(graph, name)
        if graph is before:
            break
    if _LAST in names:
        graph = step(graph, _LAST)
    return Simplified(graph, tuple(done[name] for name in PASSES if name in done))


def _size(graph: Graph) -> _Size:
    used = {i for op in graph.ops for i in (*op.inputs, *op.outputs) if i >= 0}
    sizes = {i: _bytes(graph, i) for i in used}
    values = {i for i in used if graph.tensors[i].data is not None}
    views = [op for op in graph.ops if is_view(graph, op)]
    within = {p.part for op in views for p in parts_of(graph, op)}
    return _Size(
        ops=len(graph.ops) - len(views),
        macs=total_macs(graph),
        constant_bytes=sum(sizes[i] for i in values),
        tensor_bytes=sum(sizes[i] for i in used - values - within),
    )


def _bytes(graph: Graph, index: int) -> int:
    t = graph.tensors[index]
    if t.data is not None:
        return int(t.data.nbytes)
    return math.prod(t.shape) * np.dtype(t.dtype).itemsize
