"""`mcu deploy`: the whole chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, note, progress_display, say, say_json
from pipeline.cli.layers import show_alarm, show_layers

EXAMPLES = """\b
Examples:
  mcu deploy digits.keras --board disco_f407vg --data digits --prune magnitude:0.75
  mcu deploy m.h5 -b disco_f407vg -d d.npz --prune neurons:0.7 --max-drop 0.01 --scheme qat
  mcu deploy kws.tflite -b disco_f407vg -d kws.npz --samples 20 --json
  mcu deploy model.h5 -b mps2_an386 -d random --until build
"""


def command(
    model: Annotated[Path, typer.Argument(help="A .keras, .h5, SavedModel folder or .tflite.")],
    board: options.Board,
    data: options.Data = None,
    prune: options.Prune = "none",
    epochs: options.Epochs = None,
    rate: options.Rate = None,
    distill: options.Distill = None,
    max_drop: options.LargestDrop = None,
    control: options.Control = None,
    scheme: options.Scheme = "int8",
    engine: options.Engine = "aot",
    optimize: options.Optimize = "balanced",
    ram_limit: options.RamLimit = None,
    tflm: options.Tflm = "",
    mlperf: options.Mlperf = "",
    on: options.On = "auto",
    port: options.Port = "",
    samples: options.Samples = None,
    task: options.Task = "auto",
    until: Annotated[
        str, typer.Option("--until", help="Stop after this step (a command's name).")
    ] = "report",
    out: options.Out = None,
    x_scale: options.XScale = None,
    x_zero_point: options.XZeroPoint = None,
    test_fraction: options.TestFraction = 0.2,
    shuffle: options.Shuffle = False,
    seed: options.Seed = 0,
    trust: options.Trust = False,
    history: options.History = False,
    db: options.Db = None,
    compare_layers: options.CompareLayers = False,
    json: options.Json = False,
) -> None:
    """Take a model file all the way to a measured board."""

    def work() -> None:
        from pipeline import artifacts
        from pipeline.cli.summary import summary
        from pipeline.deploy import deploy

        with progress_display() as progress:
            done = deploy(
                model,
                board=board,
                data=data,
                prune=prune,
                epochs=epochs,
                rate=rate,
                distill=distill,
                max_drop=max_drop,
                control=control,
                scheme=scheme,
                engine=engine,
                optimize=optimize,
                ram_limit=ram_limit,
                tflm=tflm,
                mlperf=mlperf,
                on=on,
                port=port,
                samples=samples,
                task=task,
                until=until,
                out=out,
                x_scale=x_scale,
                x_zero_point=x_zero_point,
                test_fraction=test_fraction,
                shuffle=shuffle,
                seed=seed,
                trust=trust,
                strict=False,
                progress=progress,
            )
        for text in done.notes:
            note(f"note: {text}")
        if done.report is not None:
            if history:
                from pipeline.report.history import History

                with History(db) as results:
                    note(f"recorded as {results.record(done.report)}")
            if json:
                say_json(done.report.to_json())
            else:
                say(summary(done.report, done.folder))
        elif json:
            say_json({"folder": str(done.folder), "until": until, "artifacts": done.artifacts})
        else:
            say(f"{until} done: {done.folder}")
            for name in sorted(done.artifacts):
                if not name.startswith("project/"):
                    say(f"  {name}")
        if compare_layers and done.report is not None:
            chosen = artifacts.DataOptions(
                data, x_scale, x_zero_point, seed, samples, test_fraction, shuffle
            )
            codes.append(show_layers(artifacts.run_of(done.folder), chosen, json, document=False))
        if done.report is not None:
            codes.append(show_alarm(done.report.accuracy, json))

    codes: list[int] = []
    raise typer.Exit(guarded(work, json) or max(codes, default=0))
