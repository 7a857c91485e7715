"""Placed: inferences whose tensors a debugger moves; only the request goes over the line.

On an emulator a byte of the serial line costs more than a thousand instructions: an input of
some hundred bytes takes longer than the inference.
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from pipeline.errors import DeviceError
from pipeline.measure.exchange import Exchange, Watch
from pipeline.measure.firmware import tensors
from pipeline.measure.frames import Frame, Type
from pipeline.measure.transfer import Answer

# firmware/monitor/placed.h: the count the debugger writes, and what it reads behind it.
_COUNT, _RECORD = struct.Struct("<I"), struct.Struct("<IQ")
_READY = "!"
_DOING = "waiting for an inference"
_MOST_SECONDS = 86_400
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
    found = tensors(info, kind)
    return [(t.address, t.bytes) for t in found if t.address is not None and t.bytes]


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
        self._info = info
        self._inputs = blocks(info, "input")
        self._outputs = blocks(info, "output")
        self._record = _ADDRESS.fullmatch(info.get("placed", ""))
        self._hz = int(info.get("tick_hz", 0))

    @property
    def possible(self) -> bool:
        """Whether the firmware says where its tensors are, and where inputs are counted."""
        counts = len(self._inputs), len(self._outputs)
        all_ = tuple(int(self._info.get(key, 0)) for key in ("inputs", "outputs"))
        return bool(all(counts) and counts == all_ and self._record)

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
        assert self._record is not None
        place = int(self._record[1], 16)
        sequence = exchange.start(Type.PLACED, struct.pack("<H", len(inputs)), _DOING)
        self._frame(sequence, Type.BUSY)  # before it the count of inputs is not yet 0
        reads = [(place + _COUNT.size, _RECORD.size), *self._outputs]
        expected = 0.0
        for count in range(len(inputs) + 1):
            if count:
                self._line(sequence, expected)
            writes = self._writes(inputs[count]) if count < len(inputs) else []
            # The count goes last: it lets the core go on.
            writes += [(place, _COUNT.pack(count + 1))] if writes else []
            found = self._memory.move(reads if count else [], writes)
            if count:
                done, ticks = _RECORD.unpack(found[0])
                if done != count:
                    raise DeviceError("an inference is missing", where=exchange.link.where)
                expected = ticks / self._hz if self._hz else 0.0
                if expected > _MOST_SECONDS:
                    raise DeviceError(f"it counts {ticks} ticks", where=exchange.link.where)
                exchange.counts["placed"] += 1
                yield Answer(ticks, b"".join(found[1:]))
        self._frame(sequence, Type.DONE)

    def _writes(self, data: bytes) -> list[tuple[int, bytes]]:
        found, at = [], 0
        for address, size in self._inputs:
            found.append((address, data[at : at + size]))
            at += size
        return found

    def _line(self, sequence: int, expected: float) -> None:
        """Waits for the line after an inference that takes so many of the chip's seconds."""
        exchange = self._exchange
        wait = exchange.patience.seconds(expected) + exchange.give_up
        watch = Watch(exchange.link, wait)
        deadline = time.monotonic() + wait
        while True:
            item = exchange.link.next(deadline - time.monotonic())
            if item is None:
                more = watch.more()
                if not more:
                    break
                deadline = time.monotonic() + more
            if item == _READY:
                exchange.begin(_DOING)
                return
            if isinstance(item, str) and item.startswith("m-init-done"):
                raise DeviceError("the chip has restarted", where=exchange.link.where)
            if isinstance(item, Frame) and item.type == Type.NAK and item.sequence == sequence:
                raise exchange.refusal(item)
            if time.monotonic() > deadline:
                break
        raise exchange.link.silent("waiting for an inference", wait)

    def _frame(self, sequence: int, kind: Type) -> Frame:
        exchange = self._exchange
        while (frame := exchange.frame(sequence, exchange.give_up)) is not None:
            if frame.type == Type.NAK:
                raise exchange.refusal(frame)
            if frame.type == kind:
                return frame
        raise exchange.link.silent("waiting for an inference", exchange.give_up)
