"""What the Helium kernels' tiles cost: counts of the loops' instructions."""

from __future__ import annotations

from pipeline.codegen.kernels.mve.pack import (
    chunks,
)

_PER_TILE = 36.0
"""Instructions of a tile beside its products."""
_PER_VECTOR = (10.0, 16.0)
"""Of a tile of 4 channels, by pixels: 1, 2."""


def products(pixels: int, k: int, channels: int) -> float:
    """Instructions of a row of pixels."""
    pairs, single = divmod(pixels, 2)
    tiles = -(-channels // 4)
    return tiles * (
        pairs * (_PER_TILE + _PER_VECTOR[1] * chunks(k))
        + single * (_PER_TILE + _PER_VECTOR[0] * chunks(k))
    )
