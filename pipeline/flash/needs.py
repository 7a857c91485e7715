"""What one board still needs on this machine: to be built, emulated, written and talked to."""

from __future__ import annotations

import importlib.util

from pipeline import tools
from pipeline.board import Board
from pipeline.errors import DeviceError, ToolMissing
from pipeline.flash.check import Check
from pipeline.flash.renode import renode_program
from pipeline.flash.serialport import find_port
from pipeline.render import offline

# Upload protocol -> the program that our own platform takes for it.
_UPLOADERS = {"arduino": "avrdude", "dfu": "dfu-util", "picotool": "picotool"}
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
    if board.platformio.upload:
        checks.append(_uploader(board))
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


def _uploader(board: Board) -> Check:
    """The program that writes the firmware with the board's first protocol."""
    protocol = board.platformio.upload[0]
    command = board.platformio.upload_command.split()
    if protocol == "custom" and command[:2] == ["$PYTHONEXE", "-m"]:
        there = importlib.util.find_spec(command[2]) is not None
        missing = f"the Python package {command[2]} is missing"
        return Check(
            "on probe", there, command[2] if there else missing, f"pip install {command[2]}"
        )
    program = _UPLOADERS.get(protocol, "openocd" if board.platformio.openocd else "")
    if program:
        return _tool("on probe", program)
    if offline():
        what = f"the uploader of {protocol} comes from PlatformIO's registry, which is out of reach"
        return Check("on probe", False, what)
    return Check("on probe", True, f"{protocol}: {_FETCHED}")


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
