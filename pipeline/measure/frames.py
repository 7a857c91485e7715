"""Frames: the binary half of the wire protocol (docs/protocol.md).

A frame on the line is 0x00, COBS(type, sequence, payload, CRC-32), 0x00. Text never holds a
0x00, and the second byte of a frame always has its top bit set, so both share one line.
COBS: Cheshire and Baker, Consistent Overhead Byte Stuffing, 1999.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from cobs import cobs

_HEADER = struct.Struct("<BH")
_CRC = struct.Struct("<I")
_LONGEST_SEGMENT = 1 << 16
_UNSHOWN = re.compile(r"[^ -~\ufffd]")


class Type(IntEnum):
    """What a frame is; firmware/monitor/protocol.h has the same numbers."""

    HELLO = 0x81
    PING = 0x82
    CHUNK = 0x83
    RUN = 0x84
    PROFILE = 0x85
    BENCH = 0x86
    STATUS = 0x87
    BAUD = 0x88
    RESET = 0x89
    PLACED = 0x8A
    STEPS = 0x8B
    INPUT = 0x8C
    READ = 0x8D

    INFO = 0xC1
    PONG = 0xC2
    BUSY = 0xC3
    RESULT = 0xC4
    OUTPUT = 0xC5
    NAK = 0xC6
    TICKS = 0xC7
    DONE = 0xC8
    STATE = 0xC9
    SPEED = 0xCA
    RESETTING = 0xCB
    MEMORY = 0xCC


class Nak(IntEnum):
    """Why a request was refused."""

    MISSING = 1
    MISMATCH = 2
    ENGINE = 3
    TYPE = 4
    LENGTH = 5
    STALE = 6


@dataclass(frozen=True)
class Frame:
    """A frame that arrived whole.

    Attributes:
        type: one of `Type`, or a number this version does not know.
        sequence: the request's number, 0..65535.
        payload: what `type` says.
    """

    type: int
    sequence: int
    payload: bytes


@dataclass(frozen=True)
class Broken:
    """Bytes between two zeros that are neither text nor a whole frame."""

    content: bytes


def crc32(data: bytes) -> int:
    """CRC-32 as zlib has it; the chip computes the same."""
    return zlib.crc32(data)


def encode(kind: int, sequence: int, payload: bytes = b"") -> bytes:
    """The bytes on the line, both zeros included."""
    body = _HEADER.pack(kind, sequence) + payload
    stuffed: bytes = cobs.encode(body + _CRC.pack(crc32(body)))
    return b"\0" + stuffed + b"\0"


def decode(segment: bytes) -> Frame | None:
    """The frame between two zeros, or None where a byte of it is wrong."""
    try:
        content = cobs.decode(segment)
    except cobs.DecodeError:
        return None
    body, check = content[: -_CRC.size], content[-_CRC.size :]
    if len(body) < _HEADER.size or check != _CRC.pack(crc32(body)):
        return None
    kind, sequence = _HEADER.unpack_from(body)
    return Frame(kind, sequence, body[_HEADER.size :])


class Splitter:
    """Takes the chip's bytes as they come; gives lines of text, frames and broken pieces."""

    def __init__(self) -> None:
        self._rest = b""
        self._in_text = True

    def feed(self, data: bytes) -> Iterator[str | Frame | Broken]:
        """Yields what has become complete.

        A line of text is given without its end, and what of it came before a zero is given
        as a line too.
        """
        *segments, self._rest = (self._rest + data).split(b"\0")
        for segment in segments:
            yield from self._segment(segment)
            self._in_text = False
        if len(self._rest) > 1 and not self._in_text:
            self._in_text = not _looks_framed(self._rest)
        if self._in_text:
            *lines, self._rest = self._rest.split(b"\n")
            yield from _texts(lines)
        if len(self._rest) > _LONGEST_SEGMENT:
            yield Broken(self._rest)
            self._rest = b""

    def _segment(self, segment: bytes) -> Iterator[str | Frame | Broken]:
        if not segment:
            return
        if self._in_text or not _looks_framed(segment):
            yield from _texts(segment.split(b"\n"))
            return
        frame = decode(segment)
        yield frame if frame is not None else Broken(segment)


def _looks_framed(segment: bytes) -> bool:
    return len(segment) > 1 and segment[0] > 1 and segment[1] >= 0x80


def _texts(lines: list[bytes]) -> Iterator[str]:
    for line in lines:
        text = line.decode("ascii", "backslashreplace").strip("\r")
        if text:
            yield text if text.isprintable() else _shown(text)


def _shown(text: str) -> str:
    """With what would command a terminal written out."""
    return _UNSHOWN.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def words(data: bytes) -> str:
    """A chip's text, fit for people to see."""
    return _shown(data.decode("ascii", "replace"))
