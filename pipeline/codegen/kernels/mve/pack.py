"""The weight streams of the Helium kernels (firmware/runtime/mve/gemm.h)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Constant
from pipeline.codegen.numeric import I64

LANES = 16
"""Bytes of a vector."""
GROUP = 4
"""Channels of a tile."""


@dataclass(frozen=True)
class Scaled:
    """What a layer's outputs are made with.

    Attributes:
        start: (channels,) bias with the input's zero point folded in.
        multipliers, shifts: (channels,) or (1,).
        zero, low, high: zero point and clamp of the output.
    """

    start: I64
    multipliers: NDArray[Any]
    shifts: NDArray[Any]
    zero: int
    low: int
    high: int

    @property
    def mode(self) -> str:
        """The fastest exact way to requantise: a mve_mode_t in lower case."""
        if np.any(self.shifts > 0):
            return "any"
        return "floor" if self.low >= self.zero else "sign"

    @property
    def output(self) -> dict[str, int]:
        """Fields of mve_output_t."""
        return {"zero": self.zero, "low": self.low, "high": self.high}


def chunks(k: int) -> int:
    """Vectors for K bytes."""
    return -(-k // LANES)


def stream_bytes(channels: int, k: int, single: bool = False) -> int:
    """Size of a stream; single: one scale, which it lacks."""
    beside = 4 if single else 12
    return -(-channels // GROUP) * (GROUP * LANES * chunks(k) + beside * GROUP)


def pack(weights: I64, scaled: Scaled, single: bool = False) -> Constant:
    """(channels, K) weights as the stream of mve_gemm.h, in 32-bit words.

    Args:
        single: one scale, which the stream lacks.
    """
    channels, k = weights.shape
    groups, vectors = -(-channels // GROUP), chunks(k)
    padded = np.zeros((groups * GROUP, vectors * LANES), np.int8)
    padded[:channels, :k] = weights
    tiles = padded.reshape(groups, GROUP, vectors, LANES).transpose(0, 2, 1, 3)
    words = np.ascontiguousarray(tiles).reshape(groups, -1).view("<i4")

    def by_group(values: NDArray[Any]) -> NDArray[np.int32]:
        row = np.zeros(groups * GROUP, np.int32)
        row[:channels] = values
        return row.reshape(groups, GROUP)

    parts = [by_group(scaled.start), words]
    if not single:
        parts += [by_group(scaled.multipliers), by_group(scaled.shifts)]
    return Constant(
        "stream",
        "int32_t",
        np.concatenate(parts, axis=1).reshape(-1),
        align=LANES,
        note="by 4 channels: start values, weights by 16 of K"
        + ("" if single else ", multipliers, shifts"),
    )
