"""Weights without their zeros: the streams of firmware/runtime/sparse/sparse.h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Encoding:
    """A way to store sparse weights.

    Attributes:
        name: as the report has it, and in the C functions' names.
        pack: (channels, K) int8 -> stream.
        per_weight, per_place: instructions for one pixel on a Cortex-M4 for each stored
            entry and for each of the K places, counted in QEMU.
        per_weight4, per_place4: the same for four pixels at once.
    """

    name: str
    pack: Callable[[NDArray[np.int8]], Bytes]
    per_weight: float
    per_place: float
    per_weight4: float
    per_place4: float


def entries(channel: NDArray[np.int8], longest: int) -> list[tuple[int, int]]:
    """(step, weight) of a channel's non-zero weights; steps of at most `longest`.

    The number is even: a weight of zero that goes nowhere ends an odd list.
    """
    found: list[tuple[int, int]] = []
    place = 0
    for position in np.flatnonzero(channel):
        step = int(position) - place
        while step > longest:
            found.append((longest, 0))
            step -= longest
        found.append((step, int(channel[position])))
        place = int(position)
    if len(found) % 2:
        found.append((0, 0))
    return found


def pack_delta8(weights: NDArray[np.int8]) -> Bytes:
    """Steps of 8 bits: 2 bytes a non-zero weight."""
    stream = bytearray()
    for channel in weights:
        pairs = entries(channel, 255)
        stream += (len(pairs) // 2).to_bytes(2, "little")
        for step, weight in pairs:
            stream += bytes((step, weight & 255))
    return np.frombuffer(bytes(stream), np.uint8)


def pack_delta4(weights: NDArray[np.int8]) -> Bytes:
    """Steps of 4 bits: 1.5 bytes a non-zero weight."""
    stream = bytearray()
    for channel in weights:
        pairs = entries(channel, 15)
        stream += (len(pairs) // 2).to_bytes(2, "little")
        for (step, weight), (next_step, next_weight) in zip(pairs[::2], pairs[1::2], strict=True):
            stream += bytes((step | next_step << 4, weight & 255, next_weight & 255))
    return np.frombuffer(bytes(stream), np.uint8)


def pack_bitmap(weights: NDArray[np.int8]) -> Bytes:
    """A bit for every place, and a byte for every non-zero weight."""
    parts: list[Bytes] = []
    for channel in weights:
        parts.append(np.packbits(channel != 0, bitorder="little"))
        parts.append(channel[channel != 0].view(np.uint8))
    return np.concatenate(parts)


ENCODINGS = (
    Encoding("bitmap", pack_bitmap, 7.0, 5.0, 17.0, 5.0),
    Encoding("delta4", pack_delta4, 7.5, 0.0, 17.0, 0.0),
    Encoding("delta8", pack_delta8, 7.0, 0.0, 17.0, 0.0),
)
