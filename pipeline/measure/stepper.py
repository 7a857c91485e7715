"""Stepper: an inference layer by layer, with the chip's memory read in between."""

from __future__ import annotations

import struct

from pipeline.errors import DeviceError
from pipeline.measure.exchange import Exchange, Verdict
from pipeline.measure.frames import Frame, Type

_DONE = struct.Struct("<HQ")
_OFFSET = struct.Struct("<I")
_READ = struct.Struct("<IH")


class Stepper:
    """Requests to one chip about one inference; each may be repeated by a bad line.

    Args:
        exchange: requests to the chip.
        chunk_bytes: bytes of data in a frame.
    """

    def __init__(self, exchange: Exchange, chunk_bytes: int) -> None:
        self._exchange = exchange
        self._chunk_bytes = chunk_bytes

    def begin(self, data: bytes) -> None:
        """Resets the engine and writes the input tensors, one after the other."""
        self.run(0)
        for start in range(0, len(data), self._chunk_bytes):
            part = data[start : start + self._chunk_bytes]
            self._memory(Type.INPUT, _OFFSET.pack(start) + part, start, "sending an input")

    def run(self, layers: int) -> None:
        """Runs layers until so many have run; 0 starts over.

        Raises:
            LinkError: no answer.
            DeviceError: the engine refuses.
            FirmwareCrashed: it reports a fault.
        """

        def take(frame: Frame) -> Verdict:
            if frame.type != Type.DONE or len(frame.payload) != _DONE.size:
                return Verdict.MORE
            return Verdict.DONE if _DONE.unpack(frame.payload)[0] == layers else Verdict.MORE

        self._exchange.ask(Type.STEPS, struct.pack("<H", layers), take, f"running {layers} layers",
                           computes=True)  # fmt: skip

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the activation memory; fewer where it ends before."""
        pieces: list[bytes] = []
        while size > 0:
            part = min(size, self._chunk_bytes)
            request = _READ.pack(offset, part)
            piece = self._memory(Type.READ, request, offset, "reading a tensor", part)
            if not piece:
                break
            pieces.append(piece)
            offset, size = offset + len(piece), size - len(piece)
        return b"".join(pieces)

    def _memory(self, kind: Type, payload: bytes, offset: int, doing: str, most: int = 0) -> bytes:
        found: list[bytes] = []

        def take(frame: Frame) -> Verdict:
            if frame.type != Type.MEMORY or frame.payload[:4] != _OFFSET.pack(offset):
                return Verdict.MORE
            if len(frame.payload) - 4 > most:
                raise DeviceError(
                    f"the firmware sends {len(frame.payload) - 4} bytes, asked for {most}",
                    where=self._exchange.link.where,
                )
            found.append(frame.payload[4:])
            return Verdict.DONE

        self._exchange.ask(kind, payload, take, doing)
        return found[0]
