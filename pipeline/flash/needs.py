"""What one board still needs on this machine: to be built, emulated, written and talked to."""

from __future__ import annotations

from pipeline import tools
from pipeline.board import Board
from pipeline.errors import DeviceError, ToolMissing
from pipeline.flash.check import Check
from pipeline.flash.renode import renode_program
from pipeline.flash.serialport import find_port
from pipeline.render import offline

_FETCHED = "PlatformIO fetches it when it is first needed"


def needs(board: Board) -> tuple[Check, ...]:
    """Looks for all that the board uses; what is missing has its command as hint (under 3 s)."""
    checks = [_tool("build", f"{board.toolchain}-gcc")]
    if board.platformio.framework and offline():
        hint = "PlatformIO's registry has it; it can't be reached"
        checks.append(Check(f"{board.platformio.framework} core", False, "not looked for", hint))
    if board.qemu is not None:
        checks.append(_tool("on qemu", board.qemu.system, brought=False))
    if board.renode is not None:
        checks.append(_renode())
    if uploader := _uploader(board):
        checks.append(_tool("on probe", uploader))
    if board.usb:
        checks.append(_port(board))
    return tuple(checks)


def _tool(name: str, program: str, *, brought: bool = True) -> Check:
    """A program; `brought`: PlatformIO has one in its registry."""
    if tools.installed(program):
        return Check(name, True, program)
    if brought and not offline():
        return Check(name, True, f"{program}: {_FETCHED}")
    return Check(name, False, f"{program} is missing", tools.install_command(program))


def _uploader(board: Board) -> str:
    """The program that writes the firmware; "" where the board is virtual."""
    if not board.platformio.upload:
        return ""
    if board.platformio.upload[0] == "arduino":
        return "avrdude"
    return "openocd" if board.platformio.openocd else f"an uploader ({board.platformio.upload[0]})"


def _renode() -> Check:
    try:
        return Check("on renode", True, renode_program())
    except ToolMissing as error:
        return Check("on renode", False, error.what, "mcu renode install")


def _port(board: Board) -> Check:
    try:
        return Check("serial port", True, find_port(board))
    except DeviceError as error:
        return Check("serial port", False, error.what, error.hint)
