"""`mcu prune`: a Keras file -> pruned.keras."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json

EXAMPLES = """\b
Examples:
  mcu prune digits.keras --data digits --prune magnitude:0.75 --out run
  mcu prune model.h5 --data train.npz --prune neurons:0.5 --epochs 10 --json
  mcu prune model.h5 -d train.npz -p magnitude:0.95 --max-drop 0.02 --control scratch
"""


def command(
    model: Annotated[Path, typer.Argument(help="A .keras, .h5 or SavedModel folder.")],
    prune: options.Prune,
    data: options.Data = None,
    epochs: options.Epochs = None,
    rate: options.Rate = None,
    distill: options.Distill = None,
    max_drop: options.LargestDrop = None,
    control: options.Control = None,
    out: options.Out = None,
    x_scale: options.XScale = None,
    x_zero_point: options.XZeroPoint = None,
    test_fraction: options.TestFraction = 0.2,
    shuffle: options.Shuffle = False,
    seed: options.Seed = 0,
    trust: options.Trust = False,
    json: options.Json = False,
) -> None:
    """Prune a Keras network and fine-tune it."""

    def work() -> None:
        from dataclasses import asdict

        from pipeline.options import DataOptions, TrainOptions
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
            done = stages.prune(
                run,
                model,
                prune,
                chosen,
                training=TrainOptions(
                    epochs=epochs, rate=rate, distill=distill, max_drop=max_drop, control=control
                ),
                trust=trust,
                progress=progress,
            )
        if json:
            say_json({"pruned": str(run.path / artifacts.PRUNED), **asdict(done)})
            return
        say(f"{run.path / artifacts.PRUNED}: {done.method}, {100 * done.sparsity:.1f} % zeros")
        say(f"  parameters {done.parameters[0]:,} -> {done.parameters[1]:,}")
        if done.float_accuracy is not None and done.pruned_accuracy is not None:
            say(f"  accuracy   {done.float_accuracy:.4f} -> {done.pruned_accuracy:.4f}")
        for layer, reason in done.frozen.items():
            say(f"  left alone: {layer}, {reason}")
        for text in done.notes:
            say(f"  note: {text}")

    raise typer.Exit(guarded(work, json))
