"""`mcu flash`: firmware.elf -> a board or an emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json
from pipeline.options import Options

EXAMPLES = """\b
Examples:
  mcu flash run/firmware.elf --on qemu
  mcu flash run --on probe --port /dev/ttyACM0
"""


@options.offers("on", "port")
def command(
    firmware: Annotated[Path, typer.Argument(help="firmware.elf of `mcu build`, or its run.")],
    chosen: Options,
    trust: options.TrustProject = False,
    json: options.Json = False,
) -> None:
    """Put the firmware onto a board or an emulator."""

    def work() -> None:
        from pipeline import steps
        from pipeline.steps import artifacts

        run = artifacts.run_of(firmware)
        with progress_display() as progress:
            image = artifacts.image_of(run)
            device = steps.flash(
                run, image, on=chosen.on, port=chosen.port, trust=trust, progress=progress
            )
        if json:
            say_json(artifacts.device_json(device))
        else:
            say(f"{device.board} on {device.on}: the firmware runs and answers")

    raise typer.Exit(guarded(work, json))
