"""`mcu quantize`: a Keras file -> model.tflite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, note, progress_display, say, say_json
from pipeline.options import DataOptions, Options

EXAMPLES = """\b
Examples:
  mcu quantize run/pruned.keras --data digits
  mcu quantize run/pruned.keras --data train.npz --scheme qat
  mcu quantize model.h5 --data calibration.npz --out run --json
"""


@options.offers(DataOptions, "scheme", "epochs", "trust", "out", without=("samples",))
def command(
    model: Annotated[Path, typer.Argument(help="A Keras file: pruned.keras, .h5, SavedModel.")],
    chosen: Options,
    json: options.Json = False,
) -> None:
    """Quantise a Keras network to an integer .tflite."""

    def work() -> None:
        from pipeline import steps
        from pipeline.steps import artifacts

        run = artifacts.run_for(model, chosen.out)
        with progress_display() as progress:
            flat = steps.quantize(
                run,
                model,
                chosen.of(DataOptions),
                scheme=chosen.scheme,
                epochs=chosen.epochs,
                trust=chosen.trust,
                progress=progress,
            )
        for text in flat.notes:
            note(f"note: {text}")
        document = {
            "model": str(run.path / artifacts.MODEL),
            "name": flat.name,
            "bytes": len(flat.content),
            "sha256": flat.sha256,
        }
        say_json(document) if json else say(f"{document['model']}: {len(flat.content):,} bytes")

    raise typer.Exit(guarded(work, json))
