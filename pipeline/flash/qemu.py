"""QEMU: the board's machine, its UART on a socket of this machine, instructions counted."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import serial

from pipeline.board import Board
from pipeline.errors import DeviceError, FirmwareCrashed, McuError, ToolMissing, WrongUse
from pipeline.flash.debugger import Debugger
from pipeline.flash.process import Process, own_processor
from pipeline.flash.serialport import open_socket

_DEBIAN = {"qemu-system-arm": "qemu-system-arm", "qemu-system-riscv32": "qemu-system-misc"}
# A guest that locks up makes QEMU abort with this; the firmware is to blame, not QEMU.
_LOCKUP = "Lockup"
_EXIT_SECONDS = 1.0


def qemu_program(board: Board) -> str:
    """Path of the QEMU the board needs.

    Raises:
        WrongUse: QEMU has no machine for the board.
        ToolMissing: naming the Debian package.
    """
    if board.qemu is None:
        where = ", ".join(board.emulators) or "a real one"
        raise WrongUse(f"QEMU has no machine for {board.id}", hint=f"it runs on: {where}")
    found = shutil.which(board.qemu.system)
    if found is None:
        package = _DEBIAN.get(board.qemu.system, "qemu-system-misc")
        raise ToolMissing(
            f"{board.qemu.system} is not installed",
            hint=f"apt-get install {package} (or `make setup`)",
        )
    return found


def qemu_command(board: Board, elf: Path, listener: int, debugger: int) -> list[str]:
    """The command line; `listener` and `debugger` are file descriptors of listening sockets.

    -icount shift=0 makes an instruction a nanosecond of the machine's time: counts are
    exact and repeat. wait=on holds the machine until the host listens. The debugger stub
    costs nothing until it is connected to.
    """
    program = qemu_program(board)
    assert board.qemu is not None
    chardev = f"socket,id=uart,fd={listener},server=on,wait=on,nodelay=on"
    serials = ["-serial", "null"] * board.qemu.serial + ["-serial", "chardev:uart"]
    return [
        program,
        *("-machine", board.qemu.machine, *board.qemu.args),
        *("-icount", "shift=0", "-display", "none", "-monitor", "none"),
        *("-chardev", chardev, *serials, board.qemu.load, str(elf)),
        *("-chardev", f"socket,id=gdb,fd={debugger},server=on,wait=off,nodelay=on"),
        *("-gdb", "chardev:gdb"),
    ]


@contextlib.contextmanager
def run_qemu(board: Board, elf: Path) -> Iterator[serial.Serial]:
    """Runs the firmware from reset; gives the open serial port, ends QEMU afterwards.

    The port's `memory` is a Debugger: the machine's memory.

    Raises:
        DeviceError: QEMU did not start or ended early, with its own words.
        FirmwareCrashed: the emulated core locked up.
    """
    if not elf.is_file():
        raise DeviceError("there is no such firmware", where=str(elf))
    with own_processor() as processor, _running(board, elf, processor) as port:
        yield port


@contextlib.contextmanager
def _running(board: Board, elf: Path, processor: int | None) -> Iterator[serial.Serial]:
    with _listener() as listener, _listener() as stub:
        number = listener.getsockname()[1]
        debugger = Debugger(stub.getsockname(), where=board.id)
        handles = [listener.fileno(), stub.fileno()]
        try:
            process = Process(
                qemu_command(board, elf, *handles), pass_fds=handles, processor=processor
            )
        except OSError as error:
            raise DeviceError(f"QEMU can't be started: {error}", where=board.id) from error
    try:
        port = open_socket(f"socket://127.0.0.1:{number}")
        port.memory = debugger  # type: ignore[attr-defined]  # a port takes attributes
        try:
            yield port
        except (serial.SerialException, OSError, McuError) as error:
            raise _explained(process, board, error) from error
        finally:
            port.close()
            debugger.close()
    finally:
        process.end()


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=1)


def _explained(process: Process, board: Board, error: Exception) -> Exception:
    """The error, or QEMU's own words where QEMU has ended by itself."""
    code = process.wait(_EXIT_SECONDS) if not isinstance(error, FirmwareCrashed) else None
    if code is None:
        if isinstance(error, McuError):
            return error
        return DeviceError(f"the emulated serial line broke: {error}", where=board.id)
    words = process.output().splitlines()
    if any(_LOCKUP in line for line in words):
        registers = "\n".join(f"    {line}" for line in words[:8] if line)
        return FirmwareCrashed(
            f"the core locked up (a fault within a fault):\n{registers}", where=board.id
        )
    said = " ".join(words[-3:]) or "nothing"
    return DeviceError(f"QEMU ended with code {code} and said: {said}", where=board.id)
