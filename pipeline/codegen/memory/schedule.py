"""The order of ops: of all that give the same results the one that needs the least memory.

A converter writes ops in the order in which a person's code made them. Where branches run
side by side, another order may need less at the worst moment: a residual's shortcut that
makes a tensor smaller, for one, is better taken first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.codegen.memory.lives import Lives
from pipeline.convert.graph import Graph, Op

_MOST_STATES = 4000
"""Sets of ops done that are looked at; a graph with more stays as it is."""
_POWER = 4
"""What is live at a step counts by this power, so that the worst steps prevail."""


@dataclass(frozen=True)
class _Way:
    """The best way to have done a set of ops."""

    cost: int
    order: tuple[int, ...]


def reorder(graph: Graph, todo: Sequence[Op]) -> Graph:
    """The graph with its ops in the order that needs the least memory.

    Args:
        graph: the model.
        todo: the ops that need code; the others' results are views.
    """
    problem = _Problem(graph, todo)
    usual = problem.cost(range(len(graph.ops)))
    found = problem.best()
    if found is None or found.cost >= usual:
        return graph
    ops = (replace(graph.ops[old], index=new) for new, old in enumerate(found.order))
    return replace(graph, ops=tuple(ops))


class _Problem:
    def __init__(self, graph: Graph, todo: Sequence[Op]) -> None:
        lives = Lives(graph, todo, 1, False)
        self._root, self._size = lives.root, lives.size
        self._ops = graph.ops
        self._kept = {lives.root[i] for i in graph.outputs if i in lives.root}
        self._start = frozenset(lives.root[i] for i in graph.inputs)
        run = {op.index for op in todo}
        self._runs = [op.index in run for op in graph.ops]
        self._makes = [self._roots(op.outputs) for op in graph.ops]
        reads = [self._roots(op.inputs) for op in graph.ops]
        self._readers: dict[int, int] = {}
        for position, roots in enumerate(reads):
            for r in roots:
                self._readers[r] = self._readers.get(r, 0) | 1 << position
        self._stateful = [
            any(i >= 0 and graph.tensors[i].variable for i in (*op.inputs, *op.outputs))
            for op in graph.ops
        ]
        self._needs = [self._before(position) for position in range(len(graph.ops))]

    def _roots(self, tensors: Sequence[int]) -> frozenset[int]:
        """Whose memory they are."""
        return frozenset(self._root[i] for i in tensors if i in self._root)

    def _before(self, position: int) -> int:
        """Ops that come before one, as a set of bits."""
        op, needed = self._ops[position], 0
        for earlier in range(position):
            other = self._ops[earlier]
            both_keep_state = self._stateful[earlier] and self._stateful[position]
            if set(other.outputs) & set(op.inputs) or both_keep_state:
                needed |= 1 << earlier
        return needed

    def cost(self, order: Sequence[int]) -> int:
        """Of an order; lower is better."""
        total, done, live = 0, 0, self._start
        for position in order:
            cost, live = self._step(done, live, position)
            total += cost
            done |= 1 << position
        return total

    def _step(self, done: int, live: frozenset[int], position: int) -> tuple[int, frozenset[int]]:
        """What doing an op costs, and what is live behind it."""
        during = live | self._makes[position]
        cost = sum(self._size[r] for r in during) ** _POWER if self._runs[position] else 0
        left = ~(done | 1 << position)
        wanted = (r for r in during if r in self._kept or self._readers.get(r, 0) & left)
        return cost, frozenset(wanted)

    def best(self) -> _Way | None:
        """By dynamic programming over the sets of ops done; None where there are too many."""
        count = len(self._ops)
        level: dict[int, tuple[_Way, frozenset[int]]] = {0: (_Way(0, ()), self._start)}
        seen = 0
        for _ in range(count):
            following: dict[int, tuple[_Way, frozenset[int]]] = {}
            for done, (way, live) in level.items():
                for position in range(count):
                    if done >> position & 1 or self._needs[position] & ~done:
                        continue
                    cost, after = self._step(done, live, position)
                    new = _Way(way.cost + cost, (*way.order, position))
                    key = done | 1 << position
                    if key not in following or new.cost < following[key][0].cost:
                        following[key] = (new, after)
            seen += len(following)
            if seen > _MOST_STATES:
                return None
            level = following
        ((way, _),) = level.values()
        return way
