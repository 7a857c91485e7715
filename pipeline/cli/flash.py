"""`mcu flash`: firmware.elf -> a board or an emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json

EXAMPLES = """\b
Examples:
  mcu flash run/firmware.elf --on qemu
  mcu flash run --on probe --port /dev/ttyACM0
"""


def command(
    firmware: Annotated[Path, typer.Argument(help="firmware.elf of `mcu build`, or its run.")],
    on: options.On = "auto",
    port: options.Port = "",
    trust: options.TrustProject = False,
    json: options.Json = False,
) -> None:
    """Put the firmware onto a board or an emulator."""

    def work() -> None:
        from pipeline.steps import artifacts, stages

        run = artifacts.run_of(firmware)
        with progress_display() as progress:
            device = stages.flash(
                run, artifacts.image_of(run), on=on, port=port, trust=trust, progress=progress
            )
        if json:
            say_json(artifacts.device_json(device))
        else:
            say(f"{device.board} on {device.on}: the firmware runs and answers")

    raise typer.Exit(guarded(work, json))
