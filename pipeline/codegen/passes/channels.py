"""Channels without effect are taken out of the layers.

A channel goes where its value is the same for all inputs (by interval analysis), or where
only weights of zero read it. What a constant channel adds to the sums of the next
convolution or fully connected layer becomes part of that layer's bias: exact, as the sum
is the same one. At a padded border the layer reads its zero point instead of the constant,
so that there only a constant equal to it can go.

Elementwise ops, pooling, depthwise convolutions and reshapes tie channels together: they
go on both sides or on none. The largest set that fulfils all this is what is left of all
channels when those are put back, op by op, that something needs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.ops import common, reduce
from pipeline.codegen.ops.move import integers
from pipeline.codegen.passes.channels_cut import cut
from pipeline.codegen.passes.channels_fold import convolution_inputs, dense_inputs
from pipeline.codegen.passes.edit import Edit
from pipeline.codegen.passes.functions import PAIRS, table_of
from pipeline.codegen.passes.ranges import Range, ranges
from pipeline.convert.graph import Graph, Op

Bools = NDArray[np.bool_]
Gone = dict[int, Bools]
"""Tensor -> which of its channels (the last dimension) go."""

_LARGEST = 1 << 20
"""Values of a tensor whose channels are looked at."""
_WORD = 4
"""Channels that kernels take at a time: fewer are no faster."""


def run(graph: Graph) -> Edit:
    """Takes out all channels that have no effect of their own."""
    edit = Edit(graph)
    gone = _removable(graph)
    if any(g.any() for g in gone.values()):
        cut(edit, gone, ranges(graph))
    return edit


def _removable(graph: Graph) -> Gone:
    known = ranges(graph)
    ends = {*graph.inputs, *graph.outputs}
    gone: Gone = {}
    for op in graph.ops:
        for i in op.outputs:
            t = graph.tensors[i]
            small = t.shape and common.elements(t) <= _LARGEST
            if t.dtype == "int8" and small and not t.variable and i not in ends:
                gone[i] = np.ones(t.shape[-1], np.bool_)
    rules = [(op, _rule(graph, op)) for op in graph.ops]
    near: dict[int, list[int]] = {i: [] for i in gone}
    for place, op in enumerate(graph.ops):
        for i in {*op.inputs, *op.outputs}.intersection(gone):
            near[i].append(place)

    def settle(asked: Iterable[int]) -> None:
        """Puts channels back until no op needs one that is gone; last ops first."""
        queue = [-place for place in asked]
        heapq.heapify(queue)
        waiting = set(queue)
        while queue:
            place = heapq.heappop(queue)
            waiting.remove(place)
            op, rule = rules[-place]
            touched = {*op.inputs, *op.outputs}.intersection(gone)
            before = {i: int(gone[i].sum()) for i in touched}
            rule(graph, op, known, gone)
            changed = [i for i in touched if int(gone[i].sum()) != before[i]]
            for again in {-p for i in changed for p in near[i]} - waiting:
                waiting.add(again)
                heapq.heappush(queue, again)

    settle(range(len(rules)))
    before = -1
    while before != (now := _count(gone)):
        before = now
        for i in sorted(gone):
            back = _too_many(gone[i])
            if back:
                gone[i][np.flatnonzero(gone[i])[:back]] = False
                settle(near[i])
    return gone


def _count(gone: Gone) -> int:
    return sum(int(g.sum()) for g in gone.values())


def _too_many(gone: Bools) -> int:
    """How many to put back for whole words of channels, and for one channel at least."""
    left = int((~gone).sum())
    if left == 0:
        return 1
    return min(-left % _WORD, len(gone) - left) if len(gone) % _WORD == 0 else 0


Rule = Callable[[Graph, Op, dict[int, Range], Gone], None]


def _rule(graph: Graph, op: Op) -> Rule:
    if table_of(graph, op) is not None:
        return _tied
    if op.name in PAIRS and "table" not in op.options:
        return _pair
    return _RULES.get(op.name, _kept)


def _kept(graph: Graph, op: Op, known: dict[int, Range], gone: Gone) -> None:
    """An op that needs all channels, and gives all."""
    for i in (*op.inputs, *op.outputs):
        if i in gone:
            gone[i][:] = False


def _tie(gone: Gone, a: int, b: int) -> None:
    """Channel for channel, two tensors lose the same."""
    if a in gone and b in gone and len(gone[a]) == len(gone[b]):
        both = gone[a] & gone[b]
        gone[a][:] = both
        gone[b][:] = both
        return
    for i in (a, b):
        if i in gone:
            gone[i][:] = False


def _tied(graph: Graph, op: Op, known: dict[int, Range], gone: Gone) -> None:
    """Each channel of the result is made of the same channel of input 0 alone."""
    _tie(gone, op.inputs[0], op.outputs[0])


def _pair(graph: Graph, op: Op, known: dict[int, Range], gone: Gone) -> None:
    for i in op.inputs:
        t = graph.tensors[i]
        if t.data is None:
            _tie(gone, i, op.outputs[0])
        elif t.dtype != "int8":
            _kept(graph, op, known, gone)


def _reduced(graph: Graph, op: Op, known: dict[int, Range], gone: Gone) -> None:
    rank = len(common.tensor(graph, op, 0).shape)
    rule = _kept if rank - 1 in reduce.axes(graph, op) else _tied
    rule(graph, op, known, gone)


def _padded(graph: Graph, op: Op, known: dict[int, Range], gone: Gone) -> None:
    amounts = integers(common.tensor(graph, op, 1))
    (_kept if any(amounts[-2:]) else _tied)(graph, op, known, gone)


def _joined(graph: Graph, op: Op, known: dict[int, Range], gone: Gone) -> None:
    """CONCATENATION."""
    result = common.output(graph, op)
    axis = int(op.options.get("axis", 0))
    if axis not in (-1, len(result.shape) - 1) or result.index not in gone:
        _kept(graph, op, known, gone)
        return
    start = 0
    for i in op.inputs:
        part = gone[result.index][start : start + graph.tensors[i].shape[-1]]
        if i in gone:
            part &= gone[i]
            gone[i][:] = part
        else:
            part[:] = False
        start += len(part)


def _reshaped(graph: Graph, op: Op, known: dict[int, Range], gone: Gone) -> None:
    """Elements stay in order: those of one channel may become several, or the reverse."""
    a, b = op.inputs[0], op.outputs[0]
    if a not in gone or b not in gone:
        _kept(graph, op, known, gone)
        return
    count = common.elements(graph.tensors[a])
    one, other = np.arange(count) % len(gone[a]), np.arange(count) % len(gone[b])
    while True:
        both = gone[a][one] & gone[b][other]
        left = [np.ones(len(g), np.bool_) for g in (gone[a], gone[b])]
        for new, channel in zip(left, (one, other), strict=True):
            new[channel[~both]] = False
        if (left[0] == gone[a]).all() and (left[1] == gone[b]).all():
            return
        gone[a][:], gone[b][:] = left


def _convolution(graph: Graph, op: Op, known: dict[int, Range], gone: Gone) -> None:
    data, result = op.inputs[0], op.outputs[0]
    weights = graph.tensors[op.inputs[1]].shape
    if graph.tensors[data].dtype != "int8" or weights[3] != graph.tensors[data].shape[3]:
        _kept(graph, op, known, gone)
    elif data in gone:
        here = gone.get(result, np.zeros(graph.tensors[result].shape[-1], np.bool_))
        gone[data] &= convolution_inputs(graph, op, known[data], here, gone[data])


def _depthwise(graph: Graph, op: Op, known: dict[int, Range], gone: Gone) -> None:
    data, result = op.inputs[0], op.outputs[0]
    if data not in gone or result not in gone:
        _kept(graph, op, known, gone)
        return
    groups = gone[result].reshape(len(gone[data]), -1)
    both = gone[data] & groups.all(axis=1)
    gone[data][:] = both
    groups[:] = both[:, None]


def _dense(graph: Graph, op: Op, known: dict[int, Range], gone: Gone) -> None:
    data, result = op.inputs[0], op.outputs[0]
    if graph.tensors[data].dtype != "int8":
        _kept(graph, op, known, gone)
    elif data in gone:
        here = gone.get(result, np.zeros(graph.tensors[result].shape[-1], np.bool_))
        gone[data] &= dense_inputs(graph, op, known[data], here, gone[data])


_RULES: dict[str, Rule] = {
    "AVERAGE_POOL_2D": _tied,
    "CONCATENATION": _joined,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "EXPAND_DIMS": _reshaped,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": _tied,
    "MEAN": _reduced,
    "PAD": _padded,
    "PADV2": _padded,
    "REDUCE_MAX": _reduced,
    "REDUCE_MIN": _reduced,
    "RESHAPE": _reshaped,
    "SQUEEZE": _reshaped,
    "SUM": _reduced,
}
