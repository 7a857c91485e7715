"""Uploading to a real board: `pio run -t upload`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pipeline.board import Board
from pipeline.build.core import pio_environment, setup_core
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
    command = [sys.executable, "-m", "platformio", "run", "-t", "upload"]
    if port:
        command += ["--upload-port", port]
    progress("flash", 0, 1, f"pio run -t upload ({board.platformio.upload[0]})")
    try:
        done = subprocess.run(
            command,
            cwd=project,
            env=pio_environment(setup_core()),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=UPLOAD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(
            f"the upload took more than {UPLOAD_SECONDS:.0f} s", where=board.id
        ) from error
    if done.returncode != 0:
        raise upload_error(board, done.stdout + done.stderr)


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
