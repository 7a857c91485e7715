"""`mcu render`: a .tflite and a board -> a PlatformIO project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json
from pipeline.options import EngineOptions, Options

EXAMPLES = """\b
Examples:
  mcu render run/model.tflite --board disco_f407vg
  mcu render kws.tflite -b mps2_an386 --optimize speed --out run
"""


@options.offers(EngineOptions, "out")
def command(
    model: Annotated[Path, typer.Argument(help="A full-integer .tflite.")],
    board: options.Board,
    chosen: Options,
    json: options.Json = False,
) -> None:
    """Render the firmware as a PlatformIO project."""

    def work() -> None:
        from pipeline import steps
        from pipeline.steps import artifacts

        chosen.check()
        run = artifacts.run_for(model, chosen.out)
        with progress_display() as progress:
            flat = steps.flat_model(run, model)
            graph = steps.convert(run, flat, progress=progress)
            project = steps.render(
                run, flat, graph, board, chosen.of(EngineOptions), progress=progress
            )
        if json:
            say_json({"project": str(project.path), "board": board, "engine": chosen.engine})
        else:
            say(f"{project.path}: build it with `pio run`, or `mcu build {project.path}`")

    raise typer.Exit(guarded(work, json))
