"""QEMU: the board's machine, its UART on a socket it inherits, instructions counted.

The debugger stub and the monitor can do whatever this user can (`migrate exec:` runs commands).
So all three lines are pairs of connected sockets: nothing listens, nobody else can connect.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from serial import SerialBase, SerialException

from pipeline import tools
from pipeline.board import Board
from pipeline.errors import DeviceError, FirmwareCrashed, McuError, ToolMissing, WrongUse
from pipeline.flash.debugger import Debugger
from pipeline.flash.process import Process, own_processor
from pipeline.flash.qemu_counter import Counter
from pipeline.flash.socketport import SocketPort, socket_pair

# A guest that locks up makes QEMU abort with this; the firmware is to blame, not QEMU.
_LOCKUP = "Lockup"
_EXIT_SECONDS = 1.0


def qemu_program(board: Board) -> str:
    """Path of the QEMU the board needs.

    Raises:
        WrongUse: QEMU has no machine for the board.
        ToolMissing: naming the command that installs it.
    """
    if board.qemu is None:
        where = ", ".join(board.emulators) or "a real one"
        raise WrongUse(f"QEMU has no machine for {board.id}", hint=f"it runs on: {where}")
    found = shutil.which(board.qemu.system)
    if found is None:
        raise ToolMissing(
            f"{board.qemu.system} is not installed",
            hint=tools.install_command(board.qemu.system),
        )
    return found


def qemu_version(board: Board) -> str:
    """What the board's QEMU calls itself; "" where it does not say."""
    try:
        return _version(qemu_program(board))
    except McuError:
        return ""


@cache
def _version(program: str) -> str:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.partition("\n")[0].strip()


def qemu_command(
    board: Board, elf: Path, uart: int, debugger: int, monitor: int | None = None
) -> list[str]:
    """The command line; the numbers are file descriptors of connected sockets.

    -icount shift=0 makes an instruction a nanosecond of the machine's time: counts are
    exact and repeat. The debugger stub costs nothing until it is spoken to. With a monitor
    the machine stands still until the debugger lets it go.
    """
    program = qemu_program(board)
    assert board.qemu is not None
    serials = ["-serial", "null"] * board.qemu.serial + ["-serial", "chardev:uart"]
    watched: tuple[str, ...] = ()
    if monitor is not None:
        watched = ("-S", *_line("qmp", monitor), "-mon", "chardev=qmp,mode=control")
    return [
        program,
        *("-machine", board.qemu.machine, *board.qemu.args),
        *("-icount", "shift=0", "-display", "none", "-monitor", "none"),
        *watched,
        *_line("uart", uart),
        *(*serials, board.qemu.load, str(elf)),
        *(*_line("gdb", debugger), "-gdb", "chardev:gdb"),
    ]


def _line(name: str, descriptor: int) -> tuple[str, str]:
    return ("-chardev", f"socket,id={name},fd={descriptor}")


@contextlib.contextmanager
def run_qemu(board: Board, elf: Path) -> Iterator[SerialBase]:
    """Runs the firmware from reset; gives the open serial port, ends QEMU afterwards.

    The port's `memory` is a Debugger: the machine's memory. Not so where the debugger counts
    for the firmware (board.toml: qemu.counter).

    Raises:
        DeviceError: QEMU did not start or ended early, with its own words.
        FirmwareCrashed: the emulated core locked up.
    """
    if not elf.is_file():
        raise DeviceError("there is no such firmware", where=str(elf))
    with own_processor() as processor, _running(board, elf, processor) as port:
        yield port


@contextlib.contextmanager
def _running(board: Board, elf: Path, processor: int | None) -> Iterator[SerialBase]:
    watched = board.qemu is not None and board.qemu.counter
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
        lines, handles = [], []
        for _ in range(3 if watched else 2):
            near, far = socket_pair()
            lines.append(ours.enter_context(near))
            handles.append(theirs.enter_context(far).fileno())
        try:
            process = Process(
                qemu_command(board, elf, *handles), pass_fds=handles, processor=processor
            )
        except OSError as error:
            raise DeviceError(f"QEMU can't be started: {error}", where=board.id) from error
        theirs.close()
        try:
            with _helped(board, elf, lines, process) as port:
                try:
                    yield port
                except (SerialException, OSError, McuError) as error:
                    raise _explained(process, board, error) from error
        finally:
            process.end()


@contextlib.contextmanager
def _helped(
    board: Board, elf: Path, lines: list[socket.socket], process: Process
) -> Iterator[SerialBase]:
    """The UART's port, with a debugger that moves memory, or one that counts."""
    port = SocketPort(lines[0], board.id, process.spent)
    helper: Counter | Debugger
    if board.qemu is not None and board.qemu.counter:
        helper = Counter(elf, lines[1], lines[2], where=board.id)
    else:
        port.memory = helper = Debugger(lines[1], where=board.id)
    try:
        yield port
    finally:
        port.close()
        helper.close()


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
