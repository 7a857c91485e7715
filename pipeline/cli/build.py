"""`mcu build`: a rendered project -> firmware.elf."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json

EXAMPLES = """\b
Examples:
  mcu build run/project
"""


def command(
    project: Annotated[Path, typer.Argument(help="The folder `mcu render` wrote, or its run.")],
    trust: options.TrustProject = False,
    json: options.Json = False,
) -> None:
    """Build the firmware with PlatformIO and read its sizes."""

    def work() -> None:
        from pipeline import steps
        from pipeline.steps import artifacts

        run = artifacts.run_of(project)
        with progress_display() as progress:
            rendered = artifacts.project_of(run)
            image = steps.build(run, rendered, trust=trust, progress=progress)
        if json:
            say_json(artifacts.image_json(image))
        else:
            say(f"{image.elf}")
            say(f"  flash {image.flash_bytes:,} bytes: model {image.flash_model_bytes:,}, "
                f"code {image.flash_code_bytes:,}")  # fmt: skip
            say(f"  RAM   {image.ram_bytes:,} bytes: arena {image.arena_bytes:,}")

    raise typer.Exit(guarded(work, json))
