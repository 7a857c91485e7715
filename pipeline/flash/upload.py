"""Uploading to a real board: `pio run -t upload`."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline import tools
from pipeline.board import Board
from pipeline.build.core import setup_core
from pipeline.build.pio import PioTimeout, run_pio
from pipeline.errors import DeviceError, McuError, ToolMissing, WrongUse
from pipeline.flash.complaints import PERMISSION, complaint_of
from pipeline.flash.serialport import find_port
from pipeline.flash.udev import rule
from pipeline.progress import Progress, silent

UPLOAD_SECONDS = 180.0
# These talk to a bootloader over the board's serial port.
_BY_SERIAL_PORT = ("arduino",)


def upload(
    board: Board, project: Path | None, *, port: str = "", progress: Progress = silent
) -> None:
    """Uploads the project's firmware with the board's first upload protocol.

    Raises:
        WrongUse: no project, or a board that can't be uploaded to.
        ToolMissing: the uploader is not installed.
        DeviceError: with the uploader's own words.
    """
    if not board.platformio.upload:
        raise WrongUse(f"{board.id} can't be flashed: it is a virtual board", hint="--on qemu")
    if project is None:
        raise WrongUse("the rendered project is needed to flash a real board", where=board.id)
    if board.platformio.upload[0] in _BY_SERIAL_PORT:
        port = find_port(board, port)
    command = ["run", "-t", "upload"]
    if port:
        command += ["--upload-port", port]
    note = f"pio run -t upload ({board.platformio.upload[0]})"
    core = setup_core()
    for attempt in (1, 2):
        try:
            code, output = run_pio(
                command,
                cwd=project,
                core=core,
                seconds=UPLOAD_SECONDS,
                tick=lambda passed: progress("flash", passed, 0, note),
            )
        except PioTimeout as error:
            raise DeviceError(f"{note} {error}", where=board.id, hint=error.lines) from error
        if code == 0:
            return
        # A probe may need a second go: the uploader resets the chip each time. Nothing else
        # gets better by itself.
        found = complaint_of(output)
        if attempt == 2 or found is None or not found[0].retry:
            raise upload_error(board, output)


def upload_error(board: Board, output: str) -> McuError:
    """What an uploader's output means."""
    if missing := re.search(r"Error: (\S+) is not on PATH", output):
        return ToolMissing(
            f"{missing[1]} is not installed, and PlatformIO's registry can't be reached",
            where=board.id,
            hint=tools.install_command(missing[1]),
        )
    if found := complaint_of(output):
        complaint, line = found
        hint = complaint.hint
        if complaint.meaning == PERMISSION and board.usb:
            hint += ":\n" + "".join(rule(usb) for usb in board.usb).rstrip()
        return DeviceError(f"{complaint.meaning}: {line}", where=board.id, hint=hint)
    lines = [line for line in output.splitlines() if line.strip() and "===" not in line]
    return DeviceError(
        "the upload failed:\n" + "\n".join(f"    {line}" for line in lines[-6:]), where=board.id
    )
