"""`mcu prune`: a Keras file -> pruned.keras."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, progress_display, say, say_json
from pipeline.options import DataOptions, Options, TrainOptions

EXAMPLES = """\b
Examples:
  mcu prune digits.keras --data digits --prune magnitude:0.75 --out run
  mcu prune model.h5 --data train.npz --prune neurons:0.5 --epochs 10 --json
  mcu prune model.h5 -d train.npz -p magnitude:0.95 --max-drop 0.02 --control scratch
"""


@options.offers(
    DataOptions, TrainOptions, "prune", "trust", "out", without=("samples",), required=("prune",)
)
def command(
    model: Annotated[Path, typer.Argument(help="A .keras, .h5 or SavedModel folder.")],
    chosen: Options,
    json: options.Json = False,
) -> None:
    """Prune a Keras network and fine-tune it."""

    def work() -> None:
        from dataclasses import asdict

        from pipeline import steps
        from pipeline.steps import artifacts

        run = artifacts.run_for(model, chosen.out)
        with progress_display() as progress:
            done = steps.prune(
                run,
                model,
                chosen.prune,
                chosen.of(DataOptions),
                training=chosen.of(TrainOptions),
                trust=chosen.trust,
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
