"""A chip in this process, on a clock of its own: the monitor's answers, before they are mutated.

tests/measure/test_hostile_chip.py holds its answers against those of the real monitor.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.measure.frames import Frame, Splitter, Type, decode, encode

CHUNK = 256
PLACE, INPUT_AT, OUTPUT_AT = 0x20000000, 0x20001000, 0x20002000
Item = Frame | str | bytes  # a frame, a line of text, bytes as they are


class Clock:
    """Stands for `time`: nothing waits, and what would have is counted."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        self.now += 1e-6
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.0)


@dataclass
class Chip:
    """The monitor with an engine that answers zeros.

    Attributes:
        inputs, outputs: bytes of the one input and the one output.
        layers: of the engine.
        sha256: of the model.
    """

    inputs: int = 490
    outputs: int = 12
    layers: int = 3
    sha256: str = "0" * 64
    model: str = "hash"
    chunks: dict[int, bytes] = field(default_factory=dict)
    sequence: int = -1
    time_us: int = 1_000_000
    placed: int = 0
    placed_wanted: int = 0

    def info(self) -> str:
        """What it says of itself; one line each."""
        return "".join(
            f"{key}={value}\n"
            for key, value in {
                "protocol": 1, "chunk_bytes": CHUNK, "window_chunks": 128, "name": "mcu-pipeline",
                "model_id": self.model, "db_bytes": self.inputs, "clock_hz": 168000000,
                "tick_hz": 1000000000, "tick_source": "host", "stack_bytes": 4096,
                "stack_peak_bytes": 1234, "engine": "fake", "model": self.model,
                "sha256": self.sha256, "layers": self.layers, "arena_bytes": 2048,
                "expected_us": 0, "placed": f"0x{PLACE:08x}", "inputs": 1,
                "input0": self._tensor(self.inputs, INPUT_AT), "outputs": 1,
                "output0": self._tensor(self.outputs, OUTPUT_AT),
            }.items()
        )  # fmt: skip

    @staticmethod
    def _tensor(count: int, at: int) -> str:
        return f"int8 bytes={count} elements={count} scale=0x3f000000 zero_point=-3 at=0x{at:08x}"

    def frame(self, request: Frame) -> Iterator[Item]:
        """The answer to a framed request."""
        kind, sequence, payload = request.type, request.sequence, request.payload

        def say(answer: Type, content: bytes = b"") -> Frame:
            return Frame(answer, sequence, content)

        if kind == Type.CHUNK:
            if sequence != self.sequence:
                self.sequence, self.chunks = sequence, {}
            self.chunks[struct.unpack_from("<H", payload)[0]] = payload[2:]
        elif kind == Type.HELLO:
            text, room = self.info().encode(), CHUNK + 18
            parts = [text[i : i + room] for i in range(0, len(text), room)]
            for index, part in enumerate(parts):
                yield say(Type.INFO, bytes([index, index == len(parts) - 1]) + part)
        elif kind == Type.PING:
            yield say(Type.PONG, payload)
        elif kind == Type.RUN:
            yield from self._run(say, payload)
        elif kind == Type.PROFILE:
            yield from self._timed(say, [100 * (i + 1) for i in range(self.layers)])
        elif kind == Type.BENCH:
            count = struct.unpack("<H", payload)[0]
            yield from self._timed(say, [1001 + i for i in range(count)])
        elif kind == Type.STATUS:
            yield say(Type.STATE, struct.pack("<IIIII", 4096, 1234, 2048, 1, 0))
        elif kind == Type.BAUD:
            yield say(Type.SPEED, payload + b"\x01")
        elif kind == Type.RESET:
            yield say(Type.RESETTING)
            yield from self.greeting()
        elif kind == Type.STEPS:
            yield say(Type.BUSY, bytes(4))
            yield say(Type.DONE, payload + struct.pack("<Q", 100))
        elif kind == Type.INPUT:
            yield say(Type.MEMORY, payload[:4])
        elif kind == Type.READ:
            offset, count = struct.unpack("<IH", payload)
            yield say(Type.MEMORY, payload[:4] + bytes(min(count, max(2048 - offset, 0))))
        elif kind == Type.PLACED:
            self.placed, self.placed_wanted = 0, struct.unpack("<H", payload)[0]
            self.sequence = sequence
            yield say(Type.BUSY, bytes(4))

    def _run(self, say: Callable[..., Frame], payload: bytes) -> Iterator[Item]:
        wanted = -(-self.inputs // CHUNK)
        if len(self.chunks) < wanted:
            yield say(Type.NAK, b"\x01" + struct.pack("<H", len(self.chunks)))
            return
        yield say(Type.BUSY, struct.pack("<I", 1))
        output = bytes(self.outputs)
        crc = struct.unpack("<I", payload)[0]
        yield say(Type.RESULT, struct.pack("<QIII", 1001, crc, len(output), zlib.crc32(output)))
        for offset in range(0, len(output), CHUNK):
            yield say(Type.OUTPUT, struct.pack("<I", offset) + output[offset : offset + CHUNK])

    @staticmethod
    def _timed(say: Callable[..., Frame], ticks: list[int]) -> Iterator[Item]:
        yield say(Type.BUSY, bytes(4))
        for index, value in enumerate(ticks):
            yield say(Type.TICKS, struct.pack("<HQ", index, value))
        yield say(Type.DONE, struct.pack("<HQ", len(ticks), sum(ticks)))

    @staticmethod
    def greeting() -> Iterator[Item]:
        """What it says when it has started."""
        yield from ("m-timestamp-mode-performance", "m-lap-us-12", "m-init-done", "m-ready")

    def text(self, command: str) -> Iterator[Item]:
        """The answer to a command."""
        word, *rest = command.split() or [""]
        if word == "name":
            yield "m-name-dut-[mcu-pipeline]"
        elif word == "profile":
            yield "m-profile-[ULPMark for tinyML Firmware V0.0.1]"
            yield f"m-model-[{self.model}]"
        elif word == "timestamp":
            self.time_us += 1_000_000
            yield f"m-lap-us-{self.time_us}"
        elif word == "info":
            yield from (f"m-info-[{line}]" for line in self.info().splitlines())
        elif word == "db":
            yield "m-load-done"
        elif word == "infer":
            yield f"m-lap-us-{self.time_us}"
            self.time_us += 1000 * int(rest[0])
            yield f"m-lap-us-{self.time_us}"
            yield "m-results-[" + ",".join(["0.083"] * self.outputs) + "]"
        else:
            yield f"e-[Unknown command: {word[:32]}]"
        yield "m-ready"


class Port:
    """pyserial's interface to a chip whose answers go through a function first.

    Args:
        chip: the chip.
        clock: moves on where a port would wait.
        change: gives what goes over the line instead of an answer.
        end: what a line says without end once its answers are over; b"" for silence.
    """

    port = "chip"

    def __init__(self, chip: Chip, clock: Clock, change: Callable[[Item], list[Item]]) -> None:
        self._chip, self._clock, self._change = chip, clock, change
        self._split, self._text = Splitter(), b""
        self.heard = bytearray()
        self.endless = b""
        self.baudrate = 115200
        self.timeout: float | None = 0.0
        self.say(self._chip.greeting())

    def say(self, items: Iterator[Item]) -> None:
        """Puts answers onto the line."""
        for item in items:
            for changed in self._change(item):
                if isinstance(changed, Frame):
                    sent = encode(changed.type & 0xFF, changed.sequence & 0xFFFF, changed.payload)
                elif isinstance(changed, str):
                    sent = changed.encode("latin-1", "replace") + b"\r\n"
                else:
                    sent = changed
                self.heard += sent

    @property
    def in_waiting(self) -> int:
        return len(self.heard)

    def read(self, size: int = 1) -> bytes:
        if not self.heard and self.endless:
            self._clock.sleep(0.01)
            self.heard += self.endless
        if not self.heard:
            self._clock.sleep(self.timeout or 0.0)
        data = bytes(self.heard[:size])
        del self.heard[:size]
        self._clock.sleep(len(data) * 1e-6)
        return data

    def write(self, data: bytes) -> int:
        self._clock.sleep(len(data) * 1e-6)
        for segment in _segments(data):
            if isinstance(segment, Frame):
                self.say(self._chip.frame(segment))
            else:
                self._text += segment
                *commands, self._text = self._text.split(b"%")
                for command in commands:
                    self.say(self._chip.text(command.decode("latin-1")))
        return len(data)

    def flush(self) -> None:
        pass


class Memory:
    """The machine's memory, as a debugger moves it."""

    def __init__(self, chip: Chip, port: Port) -> None:
        self._chip, self._port = chip, port

    def move(
        self,
        reads: Sequence[tuple[int, int]] = (),
        writes: Sequence[tuple[int, bytes]] = (),
    ) -> list[bytes]:
        found = []
        for address, count in reads:
            assert count < 1 << 24, "as much as no chip has is asked for"
            record = struct.pack("<IQ", self._chip.placed, 1001)
            found.append(record if address == PLACE + 4 else bytes(count))
        if writes:
            self._chip.placed += 1
            self._port.say(iter(["!"]))
            if self._chip.placed == self._chip.placed_wanted:
                done = struct.pack("<HQ", self._chip.placed, 1001)
                self._port.say(iter([Frame(Type.DONE, self._chip.sequence, done)]))
        return found


def _segments(data: bytes) -> Iterator[Frame | bytes]:
    """Frames and text of what a host has written in one go."""
    for segment in data.split(b"\0"):
        frame = decode(segment) if segment else None
        if frame is not None:
            yield frame
        elif segment:
            yield segment
