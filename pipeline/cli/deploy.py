"""`mcu deploy`: the whole chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli import stand_in as stand_ins
from pipeline.cli.console import guarded, note, progress_display, say, say_json
from pipeline.cli.layers import show_alarm, show_layers
from pipeline.errors import WrongUse
from pipeline.options import DataOptions, Options

EXAMPLES = """\b
Examples:
  mcu deploy digits.keras --board disco_f407vg --data digits --prune magnitude:0.75
  mcu deploy m.h5 -b disco_f407vg -d d.npz --prune neurons:0.7 --max-drop 0.01 --scheme qat
  mcu deploy kws.tflite -b disco_f407vg -d kws.npz --samples 20 --json
  mcu deploy model.h5 -b mps2_an386 -d random --until build
"""


@options.offers(Options)
def command(
    model: Annotated[Path, typer.Argument(help="A .keras, .h5, SavedModel folder or .tflite.")],
    board: options.Board,
    chosen: Options,
    like: Annotated[
        str,
        typer.Option("--like", help="Build for the board, run on this one's QEMU: same core."),
    ] = "",
    history: options.History = False,
    db: options.Db = None,
    compare_layers: options.CompareLayers = False,
    json: options.Json = False,
) -> None:
    """Take a model file all the way to a measured board."""

    def work() -> None:
        from pipeline.cli.summary import summary
        from pipeline.deploy import deploy_with
        from pipeline.steps import artifacts

        if like and compare_layers:
            raise WrongUse("--compare-layers goes with the board itself", where=f"--like {like}")
        if stand_in := like or stand_ins.offered(board, chosen.on, chosen.port, chosen.until):
            with progress_display() as progress:
                image, done = stand_ins.deploy_like(model, board, stand_in, chosen, progress)
            if history:
                _record(done.report, db)
            stand_ins.show(board, stand_in, image, done, json)
            return
        with progress_display() as progress:
            done = deploy_with(model, board, chosen, progress)
        for text in done.notes:
            note(f"note: {text}")
        if done.report is not None:
            if history:
                _record(done.report, db)
            if json:
                say_json(done.report.to_json())
            else:
                say(summary(done.report, done.folder))
        elif json:
            say_json(
                {"folder": str(done.folder), "until": chosen.until, "artifacts": done.artifacts}
            )
        else:
            say(f"{chosen.until} done: {done.folder}")
            for name in sorted(done.artifacts):
                if not name.startswith("project/"):
                    say(f"  {name}")
        if compare_layers and done.report is not None:
            run = artifacts.run_of(done.folder)
            codes.append(
                show_layers(run, chosen.of(DataOptions), json, document=False, port=chosen.port)
            )
        if done.report is not None:
            codes.append(show_alarm(done.report.accuracy, json))

    codes: list[int] = []
    raise typer.Exit(guarded(work, json) or max(codes, default=0))


def _record(report: Any, db: str | None) -> None:
    from pipeline.report.history import History

    with History(db) as results:
        note(f"recorded as {results.record(report)}")
