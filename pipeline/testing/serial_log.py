"""What goes over a serial line, kept for people to read after a failure."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

_KEPT = 400
_PIECE_BYTES = 4096
_SHOWN = 60
_LONGEST = 160


class SerialLog:
    """The last pieces that went over a line, either way."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, float, str, bytes]] = deque(maxlen=_KEPT)
        self._count = 0
        self._marked = 0
        self._begin = time.monotonic()

    def add(self, way: str, data: bytes) -> None:
        """Keeps a piece; `way` is ">" to the chip and "<" from it."""
        if self._pieces and self._marked < self._count:
            number, at, before, kept = self._pieces[-1]
            # A line or a frame may come byte by byte: it counts as one piece.
            whole = kept.endswith((b"\n", b"\0")) or len(kept) >= _PIECE_BYTES
            if before == way and not whole:
                self._pieces[-1] = (number, at, way, kept + data)
                return
        self._pieces.append((self._count, time.monotonic() - self._begin, way, data))
        self._count += 1

    def mark(self) -> int:
        """A place in the log, for `text`."""
        self._marked = self._count
        return self._count

    def text(self, since: int = 0) -> str:
        """Lines and frames since a mark, the last of them; "" where there was nothing."""
        from pipeline.measure.frames import Splitter

        splitters = {">": Splitter(), "<": Splitter()}
        lines = []
        for number, at, way, data in self._pieces:
            if number >= since:
                lines += [f"{at:9.3f} {way} {_words(item)}" for item in splitters[way].feed(data)]
        left_out = len(lines) - _SHOWN
        head = [f"({left_out} earlier lines)"] if left_out > 0 else []
        return "\n".join(head + lines[-_SHOWN:])


def _words(item: Any) -> str:
    """A line of text as it is, a frame by its type and length."""
    from pipeline.measure.frames import Frame, Type

    if isinstance(item, str):
        return item[:_LONGEST]
    if isinstance(item, Frame):
        known = item.type in {int(kind) for kind in Type}
        name = Type(item.type).name if known else f"frame 0x{item.type:02x}"
        return f"[{name} {item.sequence}, {len(item.payload)} bytes]"
    return f"[{len(item.content)} bytes of a broken frame]"


class LoggedPort:
    """A serial port that keeps what goes through it; all else is the port's own."""

    def __init__(self, port: Any, log: SerialLog) -> None:
        object.__setattr__(self, "_port", port)
        object.__setattr__(self, "_log", log)

    def read(self, size: int = 1) -> bytes:
        """Reads as the port does."""
        data = bytes(self._port.read(size))
        if data:
            self._log.add("<", data)
        return data

    def write(self, data: bytes) -> int:
        """Writes as the port does."""
        self._log.add(">", bytes(data))
        return int(self._port.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._port, name, value)
