"""Mutants of a flatbuffer: where its fields are, and what can be done to them.

The fields are found by watching the schema's own accessors read a whole file; nothing here
knows the schema. A change is made in place, so a mutant costs microseconds.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import encode
from flatbuffers.table import Table

_INTEGERS = (
    0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 100, 127, 128, 129, 200, 255, 256, 257,
    1000, 32767, 32768, 65535, 65536, 1 << 20, (1 << 24) + 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1,
    1 << 32, 1 << 40, 1 << 62, (1 << 63) - 1, 1 << 63,
)  # fmt: skip
_FLOATS = (
    0.0, -0.0, 1.0, -1.0, 0.5, 1e-30, 1e-38, 1e-45, 1e-7, 1e7, 1e30, 3.4e38, float("inf"),
    float("-inf"), float("nan"), 2.0**-31, 2.0**31, 2.0**-15, 1 / 256, 0.0039,
)  # fmt: skip


@dataclass
class Map:
    """Where a flatbuffer keeps what; positions are bytes from its start.

    Attributes:
        content: the file.
        integers, floats: (position, bytes) of numbers, those of short vectors included.
        lengths: positions of vectors' lengths (4 bytes).
        offsets: positions of offsets to tables, vectors and strings (4 bytes).
        slots: positions of vtable entries, 0 is an absent field (2 bytes).
    """

    content: bytes
    integers: list[tuple[int, int]] = field(default_factory=list)
    floats: list[tuple[int, int]] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)


def read_map(content: bytes) -> Map:
    """Finds the fields of a whole .tflite file by reading it."""
    seen: dict[str, set[Any]] = {
        name: set() for name in ("integers", "floats", "lengths", "offsets", "slots")
    }
    originals = {name: getattr(Table, name) for name in dir(Table) if not name.startswith("__")}
    # Reads of offsets and vtables by accessors are no fields' values.
    inner = [0]

    def get(self: Any, flags: Any, off: int) -> Any:
        if not inner[0]:
            kind = "floats" if flags.py_type is float else "integers"
            seen[kind].add((off, flags.bytewidth))
        return originals["Get"](self, flags, off)

    def watched(name: str, note: Any) -> Any:
        def call(self: Any, *arguments: Any) -> Any:
            inner[0] += 1
            try:
                note(self, *arguments)
                return originals[name](self, *arguments)
            finally:
                inner[0] -= 1

        return call

    def slot(self: Any, at: int) -> None:
        vtable = self.Pos - encode.Get(struct.Struct("<i"), self.Bytes, self.Pos)
        if at < encode.Get(struct.Struct("<H"), self.Bytes, vtable):
            seen["slots"].add(vtable + at)

    def length(self: Any, off: int) -> None:
        where = off + self.Pos
        seen["offsets"].add(where)
        seen["lengths"].add(where + encode.Get(struct.Struct("<I"), self.Bytes, where))

    def numbers(self: Any, flags: Any, off: int) -> None:
        start, count = originals["Vector"](self, off), originals["VectorLen"](self, off)
        if count <= 64:
            kind = "floats" if flags.py_type is float else "integers"
            for i in range(count):
                seen[kind].add((start + i * flags.bytewidth, flags.bytewidth))

    watches = {
        "Offset": slot,
        "VectorLen": length,
        "GetVectorAsNumpy": numbers,
        "Indirect": lambda self, off: seen["offsets"].add(off),
        "String": lambda self, off: seen["offsets"].add(off),
        "Union": lambda self, _, off: seen["offsets"].add(off + self.Pos),
        "Vector": lambda self, off: seen["offsets"].add(off + self.Pos),
    }
    try:
        Table.Get = get
        for name, note in watches.items():
            setattr(Table, name, watched(name, note))
        schema.ModelT.InitFromPackedBuf(content, 0)
    finally:
        for name in ("Get", *watches):
            setattr(Table, name, originals[name])
    return Map(content, *(sorted(seen[name]) for name in seen))


def mutate(source: Map, other: Map, rng: random.Random) -> bytes:
    """One to six changes at random; most leave a file that can still be read.

    Args:
        source: what is changed.
        other: what numbers and pieces are taken from.
        rng: the source of chance.
    """
    content = bytearray(source.content)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        kind = rng.choices(_CHANGES, _WEIGHTS)[0]
        kind(content, source, other, rng)
    return bytes(content)


def _put(content: bytearray, at: int, raw: bytes) -> None:
    content[at : at + len(raw)] = raw[: max(0, len(content) - at)]


def _integer(content: bytearray, source: Map, other: Map, rng: random.Random) -> None:
    if not source.integers:
        return
    at, size = rng.choice(source.integers)
    how = rng.randrange(4)
    if how == 0:
        value = rng.choice(_INTEGERS) * rng.choice((1, 1, 1, -1))
    elif how == 1:
        value = int.from_bytes(content[at : at + size], "little") + rng.choice((-2, -1, 1, 2))
    elif how == 2:
        place, width = rng.choice(source.integers)
        value = int.from_bytes(content[place : place + width], "little")
    else:
        value = rng.randrange(12)
    _put(content, at, (value % (1 << 8 * size)).to_bytes(size, "little"))


def _float(content: bytearray, source: Map, other: Map, rng: random.Random) -> None:
    if not source.floats:
        return
    at, size = rng.choice(source.floats)
    value = (
        rng.choice(_FLOATS)
        if rng.random() < 0.7
        else rng.uniform(-1, 1) * 10 ** rng.randrange(-9, 9)
    )
    with np.errstate(all="ignore"):
        _put(content, at, np.array(value, f"<f{size}").tobytes())


def _length(content: bytearray, source: Map, other: Map, rng: random.Random) -> None:
    at = rng.choice(source.lengths)
    value = int.from_bytes(content[at : at + 4], "little")
    changed = rng.choice((0, 1, value - 1, value + 1, value // 2, value * 2, *_INTEGERS[:34]))
    _put(content, at, (changed % (1 << 32)).to_bytes(4, "little"))


def _offset(content: bytearray, source: Map, other: Map, rng: random.Random) -> None:
    """To what another offset points to, near it, or anywhere."""
    at, place = rng.choice(source.offsets), rng.choice(source.offsets)
    target = place + int.from_bytes(content[place : place + 4], "little")
    how = rng.randrange(4)
    if how == 0:
        target = at + int.from_bytes(content[at : at + 4], "little") + rng.choice((-4, 4, 8))
    elif how == 1:
        target = rng.randrange(len(content) + 16)
    _put(content, at, ((target - at) % (1 << 32)).to_bytes(4, "little"))


def _drop(content: bytearray, source: Map, other: Map, rng: random.Random) -> None:
    """A field is absent; its default holds."""
    _put(content, rng.choice(source.slots), b"\0\0")


def _slot(content: bytearray, source: Map, other: Map, rng: random.Random) -> None:
    """A field lies where another one does."""
    at, place = rng.choice(source.slots), rng.choice(source.slots)
    _put(content, at, bytes(content[place : place + 2]))


def _flip(content: bytearray, source: Map, other: Map, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 4, 16))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _splice(content: bytearray, source: Map, other: Map, rng: random.Random) -> None:
    """A piece of another file."""
    size = min(rng.choice((4, 8, 16, 64, 256)), len(other.content), len(content))
    start = rng.randrange(len(other.content) - size + 1) // 4 * 4
    at = rng.randrange(len(content) - size + 1) // 4 * 4
    _put(content, at, other.content[start : start + size])


def _cut(content: bytearray, source: Map, other: Map, rng: random.Random) -> None:
    del content[rng.randrange(16, len(content)) :]
    content += bytes(max(0, 16 - len(content)))


_CHANGES = (_integer, _float, _length, _offset, _drop, _slot, _flip, _splice, _cut)
_WEIGHTS = (48, 12, 8, 8, 8, 4, 4, 6, 1)
