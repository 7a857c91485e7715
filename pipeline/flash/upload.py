"""Uploading to a real board: `pio run -t upload`."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.board import Board
from pipeline.build.core import setup_core
from pipeline.build.pio import PioTimeout, run_pio
from pipeline.errors import DeviceError, McuError, ToolMissing, WrongUse
from pipeline.progress import Progress, silent

UPLOAD_SECONDS = 180.0
# What the tools say -> what it means. The tool's own line is always shown too.
_MEANINGS = (
    (("open failed", "unable to find", "no device found", "Couldn't find an available", "no probe",
      "No ST-LINK", "unable to open ftdi", "LIBUSB_ERROR_NO_DEVICE", "can't open device"),
     "no probe of the board is connected", "connect it; `mcu ports` lists what is there"),
    (("LIBUSB_ERROR_ACCESS", "Permission denied", "insufficient permissions"),
     "no permission to use the probe", "install PlatformIO's 99-platformio-udev.rules"),
    (("UNEXPECTED idcode", "wrong chip", "Expected 1 of"),
     "the connected chip is another one", "is the right board connected?"),
    (("device security", "APPROTECT", "Readout Protection", "device is locked"),
     "the chip is locked", "unlock it (this erases it), then flash again"),
    (("verify failed", "** Verify Failed", "checksum mismatch"),
     "what was written does not read back the same", "check cable and supply"),
)  # fmt: skip
# Trouble that a second attempt, which starts with a reset, may cure.
_WORTH_A_RETRY = ("verify failed", "checksum mismatch", "timed out", "timeout", "init mode failed")


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
        failure = upload_error(board, output)
        # A probe may need a second go: the uploader resets the chip each time. Nothing else
        # gets better by itself.
        if attempt == 2 or not any(word in output.lower() for word in _WORTH_A_RETRY):
            raise failure


def upload_error(board: Board, output: str) -> McuError:
    """What an uploader's output means."""
    if missing := re.search(r"Error: (\S+) is not on PATH", output):
        return ToolMissing(
            f"{missing[1]} is not installed, and PlatformIO's registry can't be reached",
            where=board.id,
            hint=f"apt-get install {missing[1]}",
        )
    for words, meaning, hint in _MEANINGS:
        for line in output.splitlines():
            if any(word.lower() in line.lower() for word in words):
                return DeviceError(f"{meaning}: {line.strip()}", where=board.id, hint=hint)
    lines = [line for line in output.splitlines() if line.strip() and "===" not in line]
    return DeviceError(
        "the upload failed:\n" + "\n".join(f"    {line}" for line in lines[-6:]), where=board.id
    )
