"""The count of instructions for firmware that can't read a timer in QEMU.

QEMU's AVR machines end where a timer is touched while instructions are counted (-icount).
So their port stops at a place, as at a debugger's breakpoint; here the count is asked of
QEMU's monitor (QMP `query-replay`), written into the firmware's memory, and the core goes on
behind that place. Counts are exact and repeat: nothing passes while the core stands.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from pathlib import Path
from typing import TextIO

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from pipeline.errors import DeviceError

# firmware/ports/<family>: the place, an instruction of two bytes that does nothing; the count.
STOP, CELL = "port_counter_stop", "port_counter"
_INSTRUCTION_BYTES = 2
_SECONDS = 10.0
_COUNT = struct.Struct("<Q")


class Counter:
    """Tells the firmware how many instructions were executed, whenever it asks.

    Args:
        elf: the firmware.
        debugger: line to QEMU's debugger stub; the machine stands still.
        monitor: line to its monitor in QMP mode; both are closed with the counter.
        where: what errors name.

    Raises:
        DeviceError: the firmware has no such place.
    """

    def __init__(
        self, elf: Path, debugger: socket.socket, monitor: socket.socket, where: str = ""
    ) -> None:
        self._stop, self._cell = _symbols(elf, where)
        self._stub = _Packets(debugger)
        self._monitor = monitor
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends, whatever QEMU does."""
        self._stub.close()
        with contextlib.suppress(OSError):
            self._monitor.shutdown(socket.SHUT_RDWR)
        self._thread.join(_SECONDS)
        self._monitor.close()

    def _serve(self) -> None:
        # QEMU closes both lines when it ends; who started it then says why.
        with (
            contextlib.suppress(OSError, EOFError, ValueError, KeyError),
            self._monitor.makefile("rw", encoding="utf-8") as monitor,
        ):
            self._count(_Monitor(monitor))

    def _count(self, monitor: _Monitor) -> None:
        stub = self._stub
        # Older ones have said already that the machine stands; `qC` has an answer of its own.
        stub.say(b"?")
        stub.say(b"qC")
        while not stub.answer().startswith(b"QC"):
            pass
        stub.ask(b"Z0,%x,%d" % (self._stop, _INSTRUCTION_BYTES))
        stub.say(b"c")
        while True:
            stub.answer()
            count = monitor.instructions()
            written = b"M%x,%d:%s" % (self._cell, _COUNT.size, _COUNT.pack(count).hex().encode())
            stub.ask(written)
            stub.say(b"c%x" % (self._stop + _INSTRUCTION_BYTES))


class _Monitor:
    """QEMU's monitor. https://www.qemu.org/docs/master/interop/qmp-spec.html"""

    def __init__(self, line: TextIO) -> None:
        self._line = line
        self._read()
        self._ask("qmp_capabilities")

    def instructions(self) -> int:
        """Executed since the machine started."""
        return int(self._ask("query-replay")["icount"])

    def _ask(self, command: str) -> dict[str, int]:
        self._line.write(json.dumps({"execute": command}) + "\n")
        self._line.flush()
        while "return" not in (message := self._read()):
            pass  # events: the machine stopped, it goes on
        return dict(message["return"])

    def _read(self) -> dict[str, dict[str, int]]:
        text = self._line.readline()
        if not text:
            raise EOFError
        return dict(json.loads(text))


class _Packets:
    """GDB's remote protocol: packets of `$content#sum`, each acknowledged by a `+`."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._rest = b""

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()

    def say(self, content: bytes) -> None:
        self._line.sendall(b"+$%s#%02x" % (content, sum(content) & 0xFF))

    def ask(self, content: bytes) -> bytes:
        self.say(content)
        return self.answer()

    def answer(self) -> bytes:
        while True:
            start = self._rest.find(b"$")
            end = self._rest.find(b"#", start) if start >= 0 else -1
            if 0 <= end <= len(self._rest) - 3:
                content, self._rest = self._rest[start + 1 : end], self._rest[end + 3 :]
                return content
            data = self._line.recv(1 << 12)
            if not data:
                raise EOFError
            self._rest += data


def _symbols(elf: Path, where: str) -> tuple[int, int]:
    """Addresses of the place and of the count."""
    try:
        with elf.open("rb") as stream:
            table = ELFFile(stream).get_section_by_name(".symtab")
            found = {s.name: int(s["st_value"]) for s in table.iter_symbols()}
        return found[STOP], found[CELL]
    except (OSError, ELFError, KeyError, AttributeError) as error:
        raise DeviceError(
            f"the firmware has no {STOP} and {CELL}",
            where=where or str(elf),
            hint="flash a firmware of this version: `mcu build`, then `mcu flash`",
        ) from error
