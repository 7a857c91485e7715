"""The step `flash`: firmware.elf -> a device that runs it, and device.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.board import load_board
from pipeline.progress import Progress, silent
from pipeline.run import Run, digest, sha256_file, write_json
from pipeline.steps.artifacts import DEVICE, PROJECT, device_json, device_of, require_rendered_here
from pipeline.steps.keys import now_unless

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.build import Image
    from pipeline.flash import Device


def flash(
    run: Run,
    image: Image,
    *,
    on: str = "auto",
    port: str = "",
    trust: bool = False,
    progress: Progress = silent,
) -> Device:
    """firmware.elf -> a device that runs it, and device.json; `trust` is as of `build`."""
    from pipeline.flash import flash as flash_image
    from pipeline.flash import ports

    def make(folder: Path) -> Device:
        if not emulated:
            # Uploading is a target of the project: its scripts run.
            require_rendered_here(run, trust=trust)
        device = flash_image(
            image,
            load_board(image.board),
            on=on,
            port=port,
            project=folder / PROJECT,
            progress=progress,
        )
        write_json(folder / DEVICE, device_json(device))
        return device

    connected = bool(port) or any(image.board in found.boards for found in ports())
    emulated = on in ("qemu", "renode") or (on == "auto" and not connected)
    key = digest(sha256_file(image.elf), on, port, now_unless(emulated))
    return run.step("flash", key, (DEVICE,), make, lambda _: device_of(run, port))
