"""Link: an open serial port, read without waiting longer than there is nothing to read."""

from __future__ import annotations

import contextlib
import select
import sys
import time
from collections import deque
from typing import Any

from pipeline.errors import LinkError
from pipeline.flash.serialport import PORT_ERRORS
from pipeline.measure.fault import check_fault
from pipeline.measure.frames import Broken, Frame, Splitter

fcntl: Any
termios: Any
try:
    import fcntl
    import termios
except ImportError:  # no Unix: nobody tells what still goes out
    fcntl = termios = None

_NO_DESCRIPTOR: tuple[type[Exception], ...] = (AttributeError, *PORT_ERRORS)
_NO_SPEED: tuple[type[Exception], ...] = (ValueError, *PORT_ERRORS)
_HEARD_LINES = 12
_SHOWN_CHARACTERS = 200
_READ_BYTES = 1 << 16


class Link:
    """The line to one chip.

    pyserial reads byte by byte unless it is told how many bytes there are, and its socket
    port never knows; so the port is made non-blocking, and waited for with select().

    Args:
        port: pyserial's port, or an object with `read`, `write` and `timeout`.
        where: what errors name ("/dev/ttyACM0", a board's id).
        symbols: the firmware's ELF, which names the function a fault happened in; or None.

    Attributes:
        received: all bytes that have come.
        broken: pieces that were neither text nor a whole frame.
        restarts: how often the chip has greeted.
    """

    def __init__(self, port: Any, *, where: str = "", symbols: Any = None) -> None:
        self._port = port
        self._where = where or str(getattr(port, "port", "") or "")
        self._symbols = symbols
        self._split = Splitter()
        self._items: deque[str | Frame | Broken] = deque()
        self._heard: deque[str] = deque(maxlen=_HEARD_LINES)
        self.received = 0
        self.broken = 0
        self.restarts = 0
        self._fd = self._descriptor()
        if self._fd is not None:
            port.timeout = 0

    def _descriptor(self) -> int | None:
        try:
            return int(self._port.fileno())
        except _NO_DESCRIPTOR:
            return None

    @property
    def where(self) -> str:
        """What errors name."""
        return self._where

    @property
    def memory(self) -> Any:
        """The chip's memory (`placed.Memory`) where the port comes with it; else None."""
        return getattr(self._port, "memory", None)

    @property
    def baud(self) -> int:
        """Bits per second; 0 where the line has no speed of its own (a socket)."""
        url = str(getattr(self._port, "port", "") or "")
        return 0 if "://" in url else int(getattr(self._port, "baudrate", 0) or 0)

    @baud.setter
    def baud(self, value: int) -> None:
        with contextlib.suppress(*PORT_ERRORS):
            self._port.flush()
        try:
            self._port.baudrate = value
        except _NO_SPEED as error:
            raise self._gone(error) from error

    def seconds(self, count: int) -> float:
        """How long `count` bytes are on the line."""
        return count * 10 / self.baud if self.baud else 0.0

    def unsent(self) -> int:
        """Bytes that were written and not taken yet; 0 where the system does not say."""
        if self._fd is None or not hasattr(termios, "TIOCOUTQ"):
            return 0
        try:
            found = fcntl.ioctl(self._fd, termios.TIOCOUTQ, b"\0" * 4)
        except OSError:
            return 0
        return max(int.from_bytes(found, sys.byteorder), 0)

    def spent(self) -> float | None:
        """Seconds of processor time an emulator has had; None for a chip of its own."""
        ask = getattr(self._port, "spent", None)
        return None if ask is None else float(ask())

    def write(self, data: bytes) -> None:
        """Sends.

        Raises:
            LinkError: the port is gone.
        """
        try:
            self._port.write(data)
        except PORT_ERRORS as error:
            raise self._gone(error) from error

    def next(self, timeout: float) -> str | Frame | None:
        """The next line of text or whole frame; None when `timeout` seconds brought none.

        Broken pieces are counted and passed over.

        Raises:
            LinkError: the port is gone.
            FirmwareCrashed: the chip reports a fault.
        """
        deadline = time.monotonic() + timeout
        late = False
        while True:
            while self._items:
                item = self._items.popleft()
                if isinstance(item, Broken):
                    self.broken += 1
                    self._heard.append(f"({len(item.content)} bytes of a broken frame)")
                    continue
                if isinstance(item, str):
                    self._hear(item)
                return item
            left = deadline - time.monotonic()
            if late:
                return None  # a line that never falls silent has its end too
            late = left <= 0
            data = self._read(max(left, 0.0))
            self.received += len(data)
            self._items.extend(self._split.feed(data))

    def _hear(self, line: str) -> None:
        self._heard.append(line[:_SHOWN_CHARACTERS])
        if line.startswith("m-init-done"):
            self.restarts += 1
        check_fault(line, where=self._where, elf=self._symbols)

    def _read(self, timeout: float) -> bytes:
        try:
            if self._fd is None:
                self._port.timeout = timeout
                first: bytes = self._port.read(1)
                return first + bytes(self._port.read(self._port.in_waiting)) if first else b""
            if not select.select([self._fd], [], [], timeout)[0]:
                return b""
            return bytes(self._port.read(_READ_BYTES))
        except PORT_ERRORS as error:
            raise self._gone(error) from error

    def drain(self, quiet: float = 0.05, most: float = 1.0) -> None:
        """Reads and forgets until the line has been quiet for `quiet` seconds."""
        deadline = time.monotonic() + most
        while self.next(quiet) is not None and time.monotonic() < deadline:
            pass

    def last_lines(self) -> str:
        """What was heard last, for an error message."""
        if self._heard:
            return "heard last:\n" + "\n".join(f"    {line}" for line in self._heard)
        if self.received:
            return f"heard {self.received} bytes that make no sense (is the speed right?)"
        return "nothing was heard"

    def silent(self, doing: str, seconds: float) -> LinkError:
        """The error for a chip that does not answer."""
        return LinkError(
            f"no answer within {seconds:.1f} s while {doing}; {self.last_lines()}",
            where=self._where,
            hint="is the firmware one of ours, and the baud rate its own? `mcu flash` puts it "
            "there again",
        )

    def _gone(self, error: Exception) -> LinkError:
        return LinkError(
            f"the line broke: {error}; {self.last_lines()}",
            where=self._where,
            hint="is the cable plugged in, and no other program using the port?",
        )
