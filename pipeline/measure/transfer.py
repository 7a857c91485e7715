"""Transfer: one inference under way: its frames, and what of the answer has come."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pipeline.errors import DeviceError
from pipeline.measure.frames import Frame, Type, crc32, encode

_RESULT = struct.Struct("<QIII")
_OFFSET = struct.Struct("<I")


@dataclass(frozen=True)
class Answer:
    """One inference: ticks of the chip's counter, and the output tensors' bytes."""

    ticks: int
    output: bytes


class Transfer:
    """An input on its way to the chip and its output on the way back.

    Args:
        sequence: the request's number.
        data: the input tensors' bytes, one after the other.
        chunk_bytes: bytes in each chunk but the last, as the firmware wants them.
        output_bytes: of all output tensors, as it has said before.
        where: what errors name.
    """

    def __init__(
        self, sequence: int, data: bytes, chunk_bytes: int, output_bytes: int, where: str = ""
    ) -> None:
        self._data = data
        self._chunk_bytes = chunk_bytes
        self._output_bytes = output_bytes
        self._where = where
        self._crc = crc32(data)
        self.chunks = -(-len(data) // chunk_bytes)
        self.renumber(sequence)

    def renumber(self, sequence: int) -> None:
        """Starts over under another number."""
        self.sequence = sequence
        self.request = encode(Type.RUN, sequence, struct.pack("<I", self._crc))
        self._result: tuple[int, int, int, int] | None = None
        self._pieces: dict[int, bytes] = {}

    def chunk(self, index: int) -> bytes:
        """The frame of one chunk."""
        start = index * self._chunk_bytes
        data = self._data[start : start + self._chunk_bytes]
        return encode(Type.CHUNK, self.sequence, struct.pack("<H", index) + data)

    @property
    def progress(self) -> int:
        """Grows with every part of the answer that is new."""
        return len(self._pieces) + (self._result is not None)

    def left(self) -> int:
        """Bytes of the output that have not come."""
        total = self._result[2] if self._result else 0
        return max(total - sum(map(len, self._pieces.values())), 0)

    def take(self, frame: Frame) -> Answer | None:
        """The answer, once all of it is there and its CRCs are right.

        RESULT repeats the input's CRC, so an answer to another input is not taken.

        Raises:
            DeviceError: it has another size, or a part where none belongs.
        """
        if frame.type == Type.RESULT and len(frame.payload) == _RESULT.size:
            result = _RESULT.unpack(frame.payload)
            if result[2] != self._output_bytes:
                raise self._impossible(f"{result[2]} bytes of output")
            if result[1] == self._crc:
                self._result = result
        elif frame.type == Type.OUTPUT and len(frame.payload) > _OFFSET.size:
            (offset,) = _OFFSET.unpack_from(frame.payload)
            piece = frame.payload[_OFFSET.size :]
            if offset % self._chunk_bytes or offset + len(piece) > self._output_bytes:
                raise self._impossible(f"bytes {offset} to {offset + len(piece)} of its output")
            self._pieces[offset] = piece
        if self._result is None or self.left():
            return None
        ticks, _, total, check = self._result
        output = b"".join(self._pieces[offset] for offset in sorted(self._pieces))
        if len(output) != total or crc32(output) != check:
            self._pieces.clear()
            return None
        return Answer(ticks, output)

    def _impossible(self, what: str) -> DeviceError:
        return DeviceError(
            f"the firmware sends {what}, and has said that it has {self._output_bytes}",
            where=self._where,
            hint="is the firmware one of ours? `mcu flash` puts it there again",
        )


def missing_chunks(payload: bytes, chunks: int) -> list[int]:
    """The chunks a NAK asks for: the first missing one, and those whose bit is not set.

    Args:
        payload: u16 first missing chunk, then a bit for each chunk that follows it. Chunks
            beyond the last bit were not kept.
        chunks: chunks of the whole input.
    """
    first = int.from_bytes(payload[:2], "little")
    bits = int.from_bytes(payload[2:], "little")
    return [i for i in range(first, chunks) if i == first or not bits >> (i - first - 1) & 1]
