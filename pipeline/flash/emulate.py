"""An emulated board kept running, its UART on a pseudo-terminal for any serial program."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import serial

from pipeline.board import Board
from pipeline.errors import DeviceError, WrongUse
from pipeline.flash.device import Device, On
from pipeline.flash.flasher import connect, hear_ready
from pipeline.flash.pretended import noted

_BLOCK_BYTES = 4096
# The board waits once a listener is this far behind.
_MOST_PENDING_BYTES = 1 << 16
_LOOK_SECONDS = 0.02


def emulator_of(board: Board, on: str = "auto") -> On:
    """The emulator to run a board on.

    Raises:
        WrongUse: there is none, or `on` names no emulator.
    """
    if on == "auto":
        if board.qemu is None and board.renode is None:
            raise WrongUse(f"no emulator has {board.id}", hint="`mcu boards` tells which have one")
        return "qemu" if board.qemu is not None else "renode"
    if on == "qemu":
        return "qemu"
    if on == "renode":
        return "renode"
    raise WrongUse(f"{on!r} is no emulator", where="--on", hint="auto, qemu or renode")


def emulate(
    device: Device,
    board: Board,
    *,
    link: Path | None = None,
    seconds: float | None = None,
    ready: Callable[[str], None],
) -> None:
    """Runs the firmware from reset until `seconds` are over, or for ever.

    As on a real board's port, what the board says while nobody has the terminal open is lost.

    Args:
        device: an emulated device.
        board: its board.
        link: where to put a symbolic link to the terminal; it is removed afterwards.
        seconds: how long to run after it is ready; None for until an exception ends it.
        ready: called once with the path to open, when the firmware has greeted.

    Raises:
        WrongUse: `link` is there already.
        DeviceError, ToolMissing: the emulator can't be started, or ended by itself.
    """
    if link is not None:
        _check_free(link)
    with _pseudo_terminal() as (master, name), connect(device, board) as line:
        hear_ready(line, board)
        with noted(name, device.on), _linked(link, name) as path:
            ready(path)
            _pump(line, master, None if seconds is None else time.monotonic() + seconds)


@contextlib.contextmanager
def _pseudo_terminal() -> Iterator[tuple[int, str]]:
    """Gives the near end's descriptor and the far end's name, in raw mode.

    The far end is closed here, so that the near end hangs up while nobody has it open.
    """
    try:
        import tty
    except ImportError as error:
        raise DeviceError("this system has no pseudo-terminals") from error
    try:
        master, slave = os.openpty()
    except OSError as error:
        raise DeviceError(f"no pseudo-terminal can be had: {error.strerror}") from error
    try:
        name = os.ttyname(slave)
        tty.setraw(slave)
        os.close(slave)
        os.set_blocking(master, False)
        yield master, name
    finally:
        os.close(master)


def _check_free(link: Path) -> None:
    """Takes a link away whose terminal is gone.

    Raises:
        WrongUse: there is something else.
    """
    if link.is_symlink() and not link.exists():
        link.unlink()
    if link.is_symlink():
        raise WrongUse(
            f"is there already, and leads to {link.readlink()}",
            where=str(link),
            hint="another `mcu emulate` has it, or it is left of one that was killed: remove it",
        )
    if link.exists():
        raise WrongUse("is there already", where=str(link), hint="name another path")
    if not link.parent.is_dir():
        raise WrongUse("there is no such folder", where=str(link.parent))


@contextlib.contextmanager
def _linked(link: Path | None, name: str) -> Iterator[str]:
    """A symbolic link to the terminal for as long as the block lasts."""
    if link is None:
        yield name
        return
    try:
        link.symlink_to(name)
    except OSError as error:
        raise WrongUse(f"can't be made: {error.strerror}", where=str(link)) from error
    try:
        yield str(link)
    finally:
        if link.is_symlink() and str(link.readlink()) == name:
            link.unlink()


def _pump(line: Any, master: int, until: float | None) -> None:
    """Carries bytes both ways between the emulator's line and the terminal.

    Raises:
        serial.SerialException: the emulator has closed the line.
    """
    board = line.fileno()
    to_board, to_terminal = b"", b""
    heard = False
    while until is None or time.monotonic() < until:
        listened = _is_open(master)
        if not listened:
            to_terminal = b""
            if heard:
                import tty

                tty.setraw(master)  # whoever was there may have set it otherwise
        heard = listened
        reads = [board] * (len(to_terminal) < _MOST_PENDING_BYTES)
        reads += [master] * (listened and len(to_board) < _MOST_PENDING_BYTES)
        writes = [board] * bool(to_board) + [master] * bool(to_terminal)
        readable, writable, _ = select.select(reads, writes, [], _LOOK_SECONDS)
        # Someone may have written and gone between two looks.
        if master in readable or not listened:
            to_board += _read(master) or b""
        if board in readable:
            said = _read(board)
            if said == b"":
                raise serial.SerialException("the emulator has closed it")
            to_terminal += said or b""
        if board in writable:
            to_board = to_board[_write(board, to_board) :]
        if master in writable:
            to_terminal = to_terminal[_write(master, to_terminal) :]


def _is_open(master: int) -> bool:
    """Whether anybody has the far end open."""
    poll = select.poll()
    poll.register(master, select.POLLIN)
    return not any(events & select.POLLHUP for _, events in poll.poll(0))


def _read(descriptor: int) -> bytes | None:
    """What is there; b"" at the end of a line, None where there is nothing."""
    try:
        return os.read(descriptor, _BLOCK_BYTES)
    except BlockingIOError:
        return None
    except OSError:  # EIO of a terminal nobody has open, a reset of a socket
        return b""


def _write(descriptor: int, data: bytes) -> int:
    """How many bytes were taken."""
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0
