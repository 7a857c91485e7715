"""A line that loses, changes, repeats and holds back bytes, between a link and a chip's port."""

from __future__ import annotations

import random
import select
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Faults:
    """How often what happens: per byte, or per piece where it says so.

    Attributes:
        drop, flip, double: chance of each byte to be lost, to have a bit changed, to come twice.
        zero: chance of a 0x00 to be added before a byte.
        replay: chance of a written piece to be followed by one of the last eight again.
        hold: chance of a read piece to come `hold_seconds` late.
        cut: chance of a written piece to begin `cut_seconds` in which nothing gets through.
    """

    drop: float = 0.0
    flip: float = 0.0
    double: float = 0.0
    zero: float = 0.0
    replay: float = 0.0
    hold: float = 0.0
    hold_seconds: float = 0.05
    cut: float = 0.0
    cut_seconds: float = 0.2


class FaultyPort:
    """Has pyserial's `read`, `write` and `timeout`, and no `fileno`: bytes may be held back.

    Args:
        port: the chip's port, non-blocking.
        faults: what goes wrong.
        seed: the same seed does the same things to the same bytes.

    Attributes:
        counts: what has gone wrong, how often.
    """

    port = "faulty"
    baudrate = 0

    def __init__(self, port: Any, faults: Faults, seed: int = 0) -> None:
        self._port = port
        port.timeout = 0
        self._faults = faults
        self._rng = random.Random(seed)
        self._due: deque[tuple[float, bytes]] = deque()
        self._ready = b""
        self._written: deque[bytes] = deque(maxlen=8)
        self._cut_until = 0.0
        self.timeout: float | None = 0
        self.counts: Counter[str] = Counter()

    def write(self, data: bytes) -> int:
        """Sends what is left of the bytes."""
        if self._rng.random() < self._faults.cut:
            self.counts["cut"] += 1
            self._cut_until = time.monotonic() + self._faults.cut_seconds
        if time.monotonic() >= self._cut_until:
            self._port.write(self._spoil(data))
            if self._written and self._rng.random() < self._faults.replay:
                self.counts["replay"] += 1
                self._port.write(self._rng.choice(self._written))
            self._written.append(data)
        return len(data)

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes; waits for the first one until the timeout."""
        deadline = time.monotonic() + (self.timeout or 0)
        while not self._ready:
            self._collect()
            left = deadline - time.monotonic()
            if self._ready or left <= 0:
                break
            if self._due:
                left = min(left, max(self._due[0][0] - time.monotonic(), 0))
            select.select([self._port.fileno()], [], [], left)
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        self._collect()
        return len(self._ready)

    def _collect(self) -> None:
        now = time.monotonic()
        if select.select([self._port.fileno()], [], [], 0)[0]:
            data = self._port.read(4096)
            if now >= self._cut_until:
                late = self._rng.random() < self._faults.hold
                self.counts["hold"] += late
                due = max(now, self._due[-1][0] if self._due else now)
                hold = self._faults.hold_seconds if late else 0
                self._due.append((due + hold, self._spoil(data)))
        while self._due and self._due[0][0] <= time.monotonic():
            self._ready += self._due.popleft()[1]

    def _spoil(self, data: bytes) -> bytes:
        faults = self._faults
        total = faults.drop + faults.flip + faults.double + faults.zero
        if not total or self._rng.random() > total * len(data):
            return data  # rates are small: at most one fault a piece is near enough
        at = self._rng.randrange(len(data))
        kind = self._rng.choices(
            ("drop", "flip", "double", "zero"),
            (faults.drop, faults.flip, faults.double, faults.zero),
        )[0]
        self.counts[kind] += 1
        before, byte, after = data[:at], data[at : at + 1], data[at + 1 :]
        if kind == "drop":
            return before + after
        if kind == "flip":
            return before + bytes([byte[0] ^ 1 << self._rng.randrange(8)]) + after
        return before + (byte if kind == "double" else b"\0") + byte + after
