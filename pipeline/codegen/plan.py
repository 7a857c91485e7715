"""Where each tensor lives in the arena.

Tensors share memory when they are never needed at the same time. Finding the smallest
arena is NP-hard (it is dynamic storage allocation), so several greedy orders are tried,
each placing every buffer at the lowest offset free over its whole life, and the best
result is kept; the sum of what is live at the worst moment bounds it from below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


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


def _up(value: int, align: int) -> int:
    return (value + align - 1) // align * align


def lower_bound(buffers: Sequence[Buffer], align: int) -> int:
    """The most bytes live at one step."""
    steps = {b.first for b in buffers}
    return max(
        (sum(_up(b.size, align) for b in buffers if b.first <= s <= b.last) for s in steps),
        default=0,
    )


def _place(order: Sequence[Buffer], align: int) -> tuple[dict[str, int], int]:
    placed: list[tuple[int, Buffer]] = []
    offsets: dict[str, int] = {}
    size = 0
    for buffer in order:
        offset = 0
        for start, other in sorted(
            ((s, o) for s, o in placed if o.meets(buffer)), key=lambda pair: pair[0]
        ):
            if start - offset >= buffer.size:
                break
            offset = max(offset, _up(start + other.size, align))
        placed.append((offset, buffer))
        offsets[buffer.key] = offset
        size = max(size, offset + buffer.size)
    return offsets, size


_ORDERS: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
    lambda b: (-b.size, b.first),
    lambda b: (-(b.last - b.first), -b.size, b.first),
    lambda b: (-b.size * (b.last - b.first + 1), b.first),
    lambda b: (b.first, -b.size),
    lambda b: (-b.last, -b.size),
)


def plan(buffers: Sequence[Buffer], align: int) -> Plan:
    """The best of several greedy placements, improved by moving buffers to the front.

    Args:
        buffers: with distinct keys; the result does not depend on chance.
        align: every offset is a multiple of it, a power of two.
    """
    bound = lower_bound(buffers, align)
    best: tuple[dict[str, int], int] = ({}, 0)
    order: list[Buffer] = []
    for key in _ORDERS:
        candidate = sorted(buffers, key=key)
        result = _place(candidate, align)
        if not order or result[1] < best[1]:
            best, order = result, candidate
    # What sticks out at the top is placed first in the next try.
    for _ in range(min(len(buffers), 64)):
        if best[1] <= bound:
            break
        top = max(order, key=lambda b: best[0][b.key] + b.size)
        candidate = [top] + [b for b in order if b is not top]
        result = _place(candidate, align)
        if result[1] > best[1] or candidate == order:
            break
        best, order = result, candidate
    return Plan(best[0], best[1], bound)
