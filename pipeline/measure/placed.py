"""Placed: inferences whose tensors a debugger moves; only the request goes over the line.

On an emulator a byte of the serial line costs more than a thousand instructions: an input of
some hundred bytes takes longer than the inference.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from typing import Protocol

from pipeline.measure.exchange import Exchange
from pipeline.measure.frames import Frame, Type
from pipeline.measure.transfer import Answer

_TICKS = struct.Struct("<HQ")
_TENSOR = re.compile(r"\S+ bytes=(\d+) .*at=0x([0-9a-f]{8})")
_ADDRESS = re.compile(r"0x([0-9a-f]{8})")
_MOST = 0xFFFF

Block = tuple[int, int]


class Memory(Protocol):
    """Memory of a machine that can be stopped: `pipeline.flash.debugger.Debugger`."""

    def move(
        self, reads: Sequence[Block] = (), writes: Sequence[tuple[int, bytes]] = ()
    ) -> list[bytes]:
        """Reads, then writes; gives what was read."""


def blocks(info: dict[str, str], kind: str) -> list[Block]:
    """Address and bytes of each tensor, from what the firmware says of itself; [] if unsaid.

    Args:
        info: key -> value.
        kind: "input" or "output".
    """
    found = []
    for index in range(int(info.get(f"{kind}s", 0))):
        match = _TENSOR.fullmatch(info.get(f"{kind}{index}", ""))
        if match is None:
            return []
        found.append((int(match[2], 16), int(match[1])))
    return found


class Placed:
    """Inferences by way of a machine's memory.

    Args:
        exchange: requests to the chip.
        memory: its memory.
        info: what the firmware says of itself.
    """

    def __init__(self, exchange: Exchange, memory: Memory, info: dict[str, str]) -> None:
        self._exchange = exchange
        self._memory = memory
        self._inputs = blocks(info, "input")
        self._outputs = blocks(info, "output")
        self._count = _ADDRESS.fullmatch(info.get("placed", ""))
        self._hz = int(info.get("tick_hz", 0))

    @property
    def possible(self) -> bool:
        """Whether the firmware says where its tensors are, and where inputs are counted."""
        return bool(self._inputs and self._outputs and self._count)

    def infer_all(self, inputs: Sequence[bytes]) -> Iterator[Answer]:
        """One inference after the other.

        Raises:
            LinkError, DeviceError, FirmwareCrashed: as `Session.infer`.
        """
        for start in range(0, len(inputs), _MOST):
            yield from self._batch(inputs[start : start + _MOST])

    def _batch(self, inputs: Sequence[bytes]) -> Iterator[Answer]:
        """While the core waits an output is read and the next input written."""
        exchange = self._exchange
        sequence = exchange.start(Type.PLACED, struct.pack("<H", len(inputs)))
        self._frame(sequence, Type.BUSY, 0.0)  # before it the count of inputs is not yet 0
        ticks = 0
        for count in range(len(inputs) + 1):
            if count:
                ticks = self._ticks(sequence, count - 1, ticks / self._hz if self._hz else 0.0)
            output = self._memory.move(
                self._outputs if count else [],
                self._writes(inputs[count], count + 1) if count < len(inputs) else [],
            )
            if count:
                exchange.counts["placed"] += 1
                yield Answer(ticks, b"".join(output))

    def _writes(self, data: bytes, count: int) -> list[tuple[int, bytes]]:
        """The input's tensors, and then the count of inputs, which lets the core go on."""
        assert self._count is not None
        found, at = [], 0
        for address, size in self._inputs:
            found.append((address, data[at : at + size]))
            at += size
        return [*found, (int(self._count[1], 16), struct.pack("<I", count))]

    def _ticks(self, sequence: int, index: int, expected: float) -> int:
        """Ticks of the inference of this index."""
        while True:
            frame = self._frame(sequence, Type.TICKS, expected)
            found, ticks = _TICKS.unpack(frame.payload)
            if found == index:
                return int(ticks)

    def _frame(self, sequence: int, kind: Type, expected: float) -> Frame:
        exchange = self._exchange
        wait = exchange.patience.seconds(expected) + exchange.give_up
        while (frame := exchange.frame(sequence, wait)) is not None:
            if frame.type == Type.NAK:
                raise exchange.refusal(frame)
            if frame.type == kind:
                return frame
        raise exchange.link.silent("waiting for an inference", wait)
