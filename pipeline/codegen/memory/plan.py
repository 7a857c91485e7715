"""Where each tensor lives in the arena.

Tensors share memory when they are never needed at the same time, and an output may reach
into an input that is read for the last time, as far as its kernel's order of reading allows.
Finding the smallest arena is NP-hard (it is dynamic storage allocation), so several greedy
orders are tried, each placing every buffer at the lowest offset free over its whole life,
and the best result is kept; the sum of what is live at the worst moment bounds it from below.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.codegen.memory.overlap import Overlap

_TRIES = 96
"""Orders that are tried beyond the usual ones."""


@dataclass(frozen=True)
class Buffer:
    """Memory needed from step `first` to step `last`, both inclusive.

    Attributes:
        key: what it is for.
        size: bytes.
        first, last: layer indices; -1 is before the first layer.
    """

    key: str
    size: int
    first: int
    last: int

    def meets(self, other: Buffer) -> bool:
        """True where both are needed at some step."""
        return self.first <= other.last and other.first <= self.last


Pairs = Mapping[tuple[str, str], Overlap]
"""(output, input) -> how near they may come. They meet in one step, in which the one begins
and the other ends."""
_NO_PAIRS: Pairs = MappingProxyType({})


@dataclass(frozen=True)
class Plan:
    """Offsets for all buffers.

    Attributes:
        offsets: key -> offset in bytes.
        size: bytes of the arena.
        bound: bytes live at the worst step: no plan is smaller.
    """

    offsets: dict[str, int]
    size: int
    bound: int


def up(value: int, align: int) -> int:
    """The next multiple of `align`."""
    return (value + align - 1) // align * align


def lower_bound(buffers: Sequence[Buffer], align: int, pairs: Pairs = _NO_PAIRS) -> int:
    """The most bytes live at one step."""
    size = {b.key: up(b.size, align) for b in buffers}
    steps = {b.first for b in buffers}
    live = {s: sum(size[b.key] for b in buffers if b.first <= s <= b.last) for s in steps}
    step_of = {b.key: b.first for b in buffers}
    for (output, source), overlap in pairs.items():
        live[step_of[output]] -= saved(overlap, size[output], size[source])
    return max(live.values(), default=0)


def saved(overlap: Overlap, output: int, source: int) -> int:
    """Bytes an output and an input share at best."""
    return max(0, output + source - max(output, source + overlap.nearest()))


class _Problem:
    """Buffers, and for each what it may not touch."""

    def __init__(self, buffers: Sequence[Buffer], align: int, pairs: Pairs) -> None:
        self.buffers = buffers
        self.align = align
        self.neighbours: list[list[tuple[int, Overlap | None, bool]]] = []
        for a in buffers:
            near = []
            for j, b in enumerate(buffers):
                if a is b or not a.meets(b):
                    continue
                over, under = pairs.get((a.key, b.key)), pairs.get((b.key, a.key))
                near.append((j, over or under, over is not None))
            self.neighbours.append(near)

    def place(self, order: Sequence[int]) -> tuple[list[int], int]:
        """Offsets, and the arena's size: each in turn at the lowest place there is."""
        offsets = [-1] * len(self.buffers)
        size = 0
        for i in order:
            offsets[i] = self._lowest(i, offsets)
            size = max(size, offsets[i] + self.buffers[i].size)
        return offsets, size

    def _lowest(self, i: int, offsets: list[int]) -> int:
        placed = [
            (offsets[j], self.buffers[j].size, overlap, output)
            for j, overlap, output in self.neighbours[i]
            if offsets[j] >= 0
        ]
        size = self.buffers[i].size
        candidates = {0}
        for at, length, overlap, output in placed:
            candidates.add(up(at + length, self.align))
            if overlap is not None:
                candidates.update(self._near(at, overlap, output))
        for offset in sorted(candidates):
            if all(
                offset + size <= at
                or at + length <= offset
                or (overlap is not None and overlap.allows(at - offset if output else offset - at))
                for at, length, overlap, output in placed
            ):
                return offset
        raise AssertionError("behind everything there is always room")

    def _near(self, at: int, overlap: Overlap, output: bool) -> list[int]:
        """Places at safe distances of a buffer at `at`."""
        found = []
        if overlap.least is not None:
            found.append(-overlap.least if output else overlap.least)
        if overlap.step:
            found += [
                -d if output else d
                for k in range(self.align)
                if (d := overlap.first + k * overlap.step) % self.align == 0
            ]
            if overlap.allows(0):
                found.append(0)
        # Downwards for an output, upwards for an input: both get farther away.
        return [
            place
            for d in found
            if (place := (at + d if output else at + d + self.align - 1) // self.align * self.align)
            >= 0
        ]


_ORDERS: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
    lambda b: (-b.size, b.first),
    lambda b: (-(b.last - b.first), -b.size, b.first),
    lambda b: (-b.size * (b.last - b.first + 1), b.first),
    lambda b: (b.first, -b.size),
    lambda b: (-b.last, -b.size),
    lambda b: (-b.first, -b.size),
)


def plan(buffers: Sequence[Buffer], align: int, pairs: Pairs = _NO_PAIRS) -> Plan:
    """The best of several greedy placements, improved by moving buffers in the order.

    Args:
        buffers: with distinct keys; the result does not depend on chance.
        align: every offset is a multiple of it, a power of two.
        pairs: outputs that may overlap an input.
    """
    bound = lower_bound(buffers, align, pairs)
    problem = _Problem(buffers, align, pairs)
    orders = [sorted(range(len(buffers)), key=lambda i: key(buffers[i])) for key in _ORDERS]
    placed = [(problem.place(order), order) for order in orders]
    (best, size), order = min(placed, key=lambda found: found[0][1])
    # The alternatives are drawn the same way every time.
    draw = random.Random(len(buffers))
    for _ in range(_TRIES if buffers else 0):
        if size <= bound:
            break
        tops = [i for i in order if best[i] + buffers[i].size == size]
        moved = draw.choice(tops) if draw.random() < 0.5 else draw.choice(order)
        trial = [i for i in order if i != moved]
        trial.insert(draw.randrange(len(order)), moved)
        found, total = problem.place(trial)
        if total <= size:
            best, size, order = found, total, trial
    return Plan({b.key: best[i] for i, b in enumerate(buffers)}, size, bound)
