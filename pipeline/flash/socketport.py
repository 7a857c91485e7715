"""A serial port over a socket that this process and an emulator share, and nobody else.

The emulator inherits its end: there is no port, no path, nothing that listens. That takes a
system where a process hands sockets on (Linux, macOS and the like).
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from serial import SerialBase, SerialException, SerialTimeoutException

from pipeline.errors import ToolMissing

_READ_SECONDS = 1.0
_WRITE_SECONDS = 60.0


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Our end of a line, and the end that a child process inherits.

    Raises:
        ToolMissing: the system has none that a child could inherit.
    """
    if os.name != "posix":
        raise ToolMissing(
            "emulators are not run on this system: a process can't inherit a socket here",
            hint="on Windows: inside WSL",
        )
    return socket.socketpair()


class SocketPort(SerialBase):
    """pyserial's interface over a connected socket.

    Args:
        line: the socket; closed with the port.
        name: what errors name.
        spent: gives the processor time the emulator has had so far, in seconds.
    """

    BAUDRATES = ()

    def __init__(
        self, line: socket.socket, name: str, spent: Callable[[], float] | None = None
    ) -> None:
        super().__init__()
        self._line = line
        self._line.setblocking(False)
        self.name = name
        # With a scheme, as pyserial's own ports without a speed have it.
        self.portstr = self._port = f"emulator://{name}"
        self.is_open = True
        self.timeout = _READ_SECONDS
        self.memory: Any = None
        if spent is not None:
            self.spent = spent

    def _reconfigure_port(self) -> None:
        """A socket has no speed."""

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._line.fileno()

    @property
    def in_waiting(self) -> int:
        """1 where something can be read, else 0."""
        return int(bool(select.select([self._line], [], [], 0)[0]))

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes, fewer after the timeout.

        Raises:
            SerialException: the other side has closed the line.
        """
        found = bytearray()
        end = None if self.timeout is None else time.monotonic() + self.timeout
        while len(found) < size:
            left = None if end is None else max(end - time.monotonic(), 0.0)
            if not select.select([self._line], [], [], left)[0]:
                break
            try:
                data = self._line.recv(size - len(found))
            except BlockingIOError:
                continue
            except OSError as error:
                raise SerialException(f"the line broke: {error}") from error
            if not data:
                if found:
                    break
                raise SerialException("the other side has closed the line")
            found += data
            if end is not None and self.timeout == 0:
                break
        return bytes(found)

    def write(self, data: Any, /) -> int:
        """All of the bytes.

        Raises:
            SerialException: the other side has closed the line, or takes nothing.
        """
        rest = memoryview(bytes(data))
        while rest:
            if not select.select([], [self._line], [], _WRITE_SECONDS)[1]:
                raise SerialTimeoutException("the other side takes nothing")
            try:
                rest = rest[self._line.send(rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise SerialException(f"the line broke: {error}") from error
        return len(data)

    def flush(self) -> None:
        """What was written is with the other side already."""

    def reset_input_buffer(self) -> None:
        """Forgets what has come."""
        before, self.timeout = self.timeout, 0
        try:
            while self.in_waiting and self.read(1 << 16):
                pass
        finally:
            self.timeout = before

    def close(self) -> None:
        """Closes the socket."""
        self.is_open = False
        self._line.close()


def connect_unix(path: Path, seconds: float) -> socket.socket:
    """Connects to a socket that an emulator has made in a private folder.

    Raises:
        OSError: nobody listens there.
    """
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.settimeout(seconds)
        line.connect(str(path))
    except BaseException:
        line.close()
        raise
    return line
