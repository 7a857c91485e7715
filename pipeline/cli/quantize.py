"""`mcu quantize`: a Keras file -> model.tflite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, note, progress_display, say, say_json

EXAMPLES = """\b
Examples:
  mcu quantize run/pruned.keras --data digits
  mcu quantize run/pruned.keras --data train.npz --scheme qat
  mcu quantize model.h5 --data calibration.npz --out run --json
"""


def command(
    model: Annotated[Path, typer.Argument(help="A Keras file: pruned.keras, .h5, SavedModel.")],
    data: options.Data = None,
    scheme: options.Scheme = "int8",
    epochs: options.Epochs = None,
    out: options.Out = None,
    x_scale: options.XScale = None,
    x_zero_point: options.XZeroPoint = None,
    test_fraction: options.TestFraction = 0.2,
    shuffle: options.Shuffle = False,
    seed: options.Seed = 0,
    trust: options.Trust = False,
    json: options.Json = False,
) -> None:
    """Quantise a Keras network to an integer .tflite."""

    def work() -> None:
        from pipeline.options import DataOptions
        from pipeline.steps import artifacts, stages

        run = artifacts.run_for(model, out)
        chosen = DataOptions(
            data=data,
            x_scale=x_scale,
            x_zero_point=x_zero_point,
            seed=seed,
            test_fraction=test_fraction,
            shuffle=shuffle,
        )
        with progress_display() as progress:
            flat = stages.quantize(
                run,
                model,
                chosen,
                scheme=scheme,
                epochs=epochs,
                trust=trust,
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
