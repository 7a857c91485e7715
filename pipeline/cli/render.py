"""`mcu render`: a .tflite and a board -> a PlatformIO project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json

EXAMPLES = """\b
Examples:
  mcu render run/model.tflite --board disco_f407vg
  mcu render kws.tflite -b mps2_an386 --optimize speed --out run
"""


def command(
    model: Annotated[Path, typer.Argument(help="A full-integer .tflite.")],
    board: options.Board,
    engine: options.Engine = "aot",
    optimize: options.Optimize = "balanced",
    ram_limit: options.RamLimit = None,
    tflm: options.Tflm = "",
    mlperf: options.Mlperf = "",
    out: options.Out = None,
    json: options.Json = False,
) -> None:
    """Render the firmware as a PlatformIO project."""

    def work() -> None:
        from pipeline.steps import artifacts, stages

        run = artifacts.run_for(model, out)
        with progress_display() as progress:
            flat = stages.flat_model(run, model)
            graph = stages.convert(run, flat, progress=progress)
            project = stages.render(
                run,
                flat,
                graph,
                board,
                engine=engine,
                optimize=optimize,
                ram_limit=ram_limit,
                tflm=tflm,
                mlperf=mlperf,
                progress=progress,
            )
        if json:
            say_json({"project": str(project.path), "board": board, "engine": engine})
        else:
            say(f"{project.path}: build it with `pio run`, or `mcu build {project.path}`")

    raise typer.Exit(guarded(work, json))
