"""Weights without their zeros, or with few values: the streams of firmware/runtime/sparse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.convert.graph import Graph, Op

Bytes = NDArray[np.uint8]

_MOST_ENTRIES = 2 * 0xFFFF
# Below this share of zeros no encoding is smaller or faster than dense weights.
_LEAST_ZEROS = 0.3
_CODES = 16
# A channel's values take as much as the codes save in fewer places.
_LEAST_PLACES = 40


@dataclass(frozen=True)
class Encoding:
    """A way to store sparse weights.

    Attributes:
        name: as the report has it, and in the C functions' names.
        pack: (channels, K) int8 -> stream.
        per_weight, per_place: instructions for one pixel on a Cortex-M3 for each stored
            entry and for each of the K places, counted in QEMU.
        per_weight_dsp: the first of them with DSP instructions.
        per_weight4, per_place4: the same for four pixels at once.
        per_weight8, per_place8: for eight, by the kernels of wide.h.
        entry_bytes: of a stored entry.
        channel_bytes: of a channel beside its entries.
        place_bits: of each of the K places.
        codes: it stores which of a channel's few values a weight is, not which are zero.
    """

    name: str
    pack: Callable[[NDArray[np.int8]], Bytes]
    per_weight: float
    per_weight_dsp: float
    per_place: float
    per_weight4: float
    per_place4: float
    per_weight8: float
    per_place8: float
    entry_bytes: float
    channel_bytes: int = 2
    place_bits: int = 0
    codes: bool = False

    def stored(self, size: int, channels: int, places: int) -> float:
        """Entries in a stream of `size` bytes, fillers included."""
        mask = (places * self.place_bits + 7) // 8
        return (size - channels * (self.channel_bytes + mask)) / self.entry_bytes


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


def pack_codes4(weights: NDArray[np.int8]) -> Bytes:
    """A channel's distinct weights, 16 at most, and four bits for every place."""
    parts: list[Bytes] = []
    for channel in weights:
        values = np.unique(channel)
        codes = np.searchsorted(values, channel).astype(np.uint8)
        codes = np.append(codes, np.zeros(len(codes) % 2, np.uint8))
        parts += [np.array([len(values)], np.uint8), values.view(np.uint8)]
        parts.append(codes[::2] | codes[1::2] << 4)
    return np.concatenate(parts)


ENCODINGS = (
    Encoding("bitmap", pack_bitmap, 15.5, 15.5, 1.9, 17.0, 3.0, 15.0, 1.4, 1.0, 0, 1),
    Encoding("delta4", pack_delta4, 7.5, 6.1, 0.0, 17.0, 0.0, 11.0, 0.0, 1.5),
    Encoding("delta8", pack_delta8, 7.0, 5.6, 0.0, 17.0, 0.0, 10.0, 0.0, 2.0),
    Encoding("codes4", pack_codes4, 0.0, 0.0, 6.0, 0.0, 19.5, 0.0, 11.0, 1.0, codes=True),
)


def takes(encoding: Encoding, graph: Graph, op: Op) -> bool:
    """int8 data and constant weights in one group, with enough zeros or few enough values."""
    data, weights = graph.tensors[op.inputs[0]], graph.tensors[op.inputs[1]]
    if data.dtype != "int8" or weights.data is None or weights.dtype != "int8":
        return False
    if op.name == "CONV_2D" and weights.shape[3] != data.shape[3]:
        return False
    channels = weights.shape[0]
    if op.name == "FULLY_CONNECTED":
        channels = weights.data.size // weights.shape[-1]
    places = weights.data.size // max(1, channels)
    if encoding.codes:
        ordered = np.sort(weights.data.reshape(channels, -1), axis=1)
        values = 1 + np.count_nonzero(np.diff(ordered, axis=1), axis=1)
        return places >= _LEAST_PLACES and bool(values.max() <= _CODES)
    zeros = 1.0 - np.count_nonzero(weights.data) / max(1, weights.data.size)
    return bool(zeros >= _LEAST_ZEROS) and places <= _MOST_ENTRIES


def stream_of(encoding: Encoding, weights: NDArray[np.int8]) -> Bytes:
    """A matrix (channels, K) packed; asked for again, it is not packed again."""
    return _stream(encoding, weights.tobytes(), len(weights))


@lru_cache(maxsize=256)
def _stream(encoding: Encoding, content: bytes, channels: int) -> Bytes:
    return encoding.pack(np.frombuffer(content, np.int8).reshape(channels, -1))
