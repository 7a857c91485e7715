"""Shapes into the fewest dimensions that kernels have to walk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def strides(shape: Sequence[int]) -> list[int]:
    """Elements between neighbours along each dimension of a dense tensor."""
    result, step = [], 1
    for size in reversed(shape):
        result.append(step)
        step *= size
    return result[::-1]


def merge(extents: Sequence[int], *steps: Sequence[int]) -> tuple[list[int], tuple[list[int], ...]]:
    """Drops dimensions of one element, and joins those that all operands step evenly.

    Args:
        extents: elements along each dimension, outermost first.
        steps: for each operand, elements between neighbours along each dimension.

    Returns:
        The shorter extents and steps; at least one dimension is left.
    """
    sizes: list[int] = []
    kept: tuple[list[int], ...] = tuple([] for _ in steps)
    for d, size in enumerate(extents):
        if size == 1:
            continue
        here = [s[d] for s in steps]
        if sizes and all(outer[-1] == step * size for outer, step in zip(kept, here, strict=True)):
            sizes[-1] *= size
            for outer, step in zip(kept, here, strict=True):
                outer[-1] = step
            continue
        sizes.append(size)
        for outer, step in zip(kept, here, strict=True):
            outer.append(step)
    if not sizes:
        return [1], tuple([1] for _ in steps)
    return sizes, kept


def broadcast_shape(a: Sequence[int], b: Sequence[int]) -> list[int] | None:
    """NumPy's broadcasting: the common shape, or None where there is none."""
    rank = max(len(a), len(b))
    left = [1] * (rank - len(a)) + list(a)
    right = [1] * (rank - len(b)) + list(b)
    if any(x != y and 1 not in (x, y) for x, y in zip(left, right, strict=True)):
        return None
    return [max(x, y) if 0 not in (x, y) else 0 for x, y in zip(left, right, strict=True)]


def broadcast_steps(shape: Sequence[int], rank: int) -> list[int]:
    """Steps of an operand along `rank` dimensions; 0 where it is repeated."""
    full = [1] * (rank - len(shape)) + list(shape)
    return [0 if size == 1 else step for size, step in zip(full, strides(full), strict=True)]


def broadcast_t(a: Sequence[int], b: Sequence[int]) -> dict[str, Any]:
    """The fields of broadcast_t for two operands' shapes that fit together."""
    shape = broadcast_shape(a, b)
    assert shape is not None
    extents, (left, right) = merge(
        shape, broadcast_steps(a, len(shape)), broadcast_steps(b, len(shape))
    )
    outer = len(extents) - 1
    return {
        "run": extents[-1],
        "run_a": left[-1],
        "run_b": right[-1],
        "rank": outer,
        "extent": tuple(extents[:-1] or [0]),
        "a": tuple(left[:-1] or [0]),
        "b": tuple(right[:-1] or [0]),
    }
