"""`mcu search`: which compression of a model is best for a board."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, note, progress_display, say, say_json
from pipeline.options import Options

if TYPE_CHECKING:
    from pipeline.progress import Progress
    from pipeline.search.front import Front, Tried
    from pipeline.search.settings import Settings

EXAMPLES = """\b
Examples:
  mcu search digits.keras --board disco_f407vg --data digits --trials 20
  mcu search model.h5 -b disco_f407vg -d d.npz --workers 2 --seconds 3600 --max-drop 0.02
  mcu search model.h5 -b disco_f407vg -d d.npz --storage postgresql://me@host/studies
  mcu search model.h5 -b disco_f407vg -d d.npz --pick 7 --into best
"""


@options.offers("data", "samples", "x_scale", "x_zero_point", "seed", "epochs", "engine", "trust")
def command(
    model: Annotated[Path, typer.Argument(help="A .keras, .h5, SavedModel folder or .tflite.")],
    board: options.Board,
    chosen: Options,
    trials: Annotated[
        int, typer.Option("--trials", min=0, help="Stop when the study holds so many.")
    ] = 30,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, help="Start no trial after that time.")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", "-w", min=1, help="Processes on this machine.")
    ] = 1,
    max_drop: Annotated[
        float, typer.Option("--max-drop", help="End trials that lose more accuracy than that.")
    ] = 0.05,
    schemes: Annotated[
        str, typer.Option("--schemes", help="Ways to quantise to explore: int8,int16x8,qat.")
    ] = "int8",
    clusters: Annotated[
        list[int] | None,
        typer.Option("--clusters", help="Explore layers of so many distinct weights too: 16."),
    ] = None,
    storage: Annotated[
        str,
        typer.Option("--storage", help="Database URL; machines that share it share the study."),
    ] = "",
    study: Annotated[
        str, typer.Option("--study", help="Name in the database.  [default: MODEL-BOARD]")
    ] = "",
    pick: Annotated[
        int | None, typer.Option("--pick", min=0, help="Deploy this trial; try nothing.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option("--into", help="Run folder of --pick.  [default: runs/MODEL-BOARD]"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Search folder.  [default: runs/MODEL-BOARD-search]"),
    ] = None,
    json: options.Json = False,
) -> None:
    """Search kinds and amounts of compression; returns the Pareto front."""

    def work() -> None:
        from pipeline.load.names import identifier
        from pipeline.search.settings import Settings

        name = f"{identifier(model.stem)}-{board}"
        settings = Settings(
            model=str(model),
            board=board,
            out=str(out or Path("runs") / f"{name}-search"),
            storage=storage,
            study=study,
            trials=trials,
            seconds=seconds,
            max_drop=max_drop,
            schemes=tuple(name.strip() for name in schemes.split(",")),
            clusters=tuple(clusters or ()),
            options=chosen,
        )
        with progress_display() as progress:
            if pick is not None:
                _pick(settings, pick, into or Path("runs") / name, json, progress)
            else:
                _search(settings, workers, json, progress)

    raise typer.Exit(guarded(work, json))


def _search(settings: Settings, workers: int, json: bool, progress: Progress) -> None:
    from pipeline.search.run import FRONT, PLOT, search

    front = search(
        settings, workers=workers, progress=progress, on_trial=lambda t: note(line_of(t))
    )
    if json:
        say_json(front.to_json())
        return
    say(table(front))
    folder = settings.folder
    if front.points:
        say(f"\n{folder / FRONT}, {folder / PLOT}; `mcu search ... --pick N` deploys a point")


def _pick(settings: Settings, number: int, into: Path, json: bool, progress: Progress) -> None:
    from pipeline.cli.summary import summary
    from pipeline.search.run import pick

    done = pick(settings, number, into, progress=progress)
    assert done is not None and done.report is not None
    say_json(done.report.to_json()) if json else say(summary(done.report, done.folder))


def line_of(trial: Tried) -> str:
    """A trial that has ended, on one line."""
    head = f"trial {trial.number}: {_how(trial)}: "
    if trial.state == "measured":
        twin = f" (as trial {trial.twin})" if trial.twin is not None else ""
        return (
            head + ", ".join(f"{_WORDS[k]} {_shown(k, v)}" for k, v in trial.values.items()) + twin
        )
    words = {"ended": "ended early", "failed": "failed", "lost": "lost with its worker"}
    state = words.get(trial.state, trial.state)
    return head + (f"{state}: {trial.reason}" if trial.reason else state)


def _how(trial: Tried) -> str:
    scheme = f", {trial.scheme}" if trial.scheme not in ("", "int8") else ""
    return f"{trial.prune or '?'}{scheme}, {trial.optimize or '?'}"


_WORDS = {
    "accuracy": "accuracy",
    "instructions": "instructions",
    "flash_bytes": "flash",
    "ram_bytes": "RAM",
}


def _shown(name: str, value: float) -> str:
    return f"{100 * value:.1f} %" if name == "accuracy" else f"{value:,.0f}"


def table(front: Front) -> str:
    """The Pareto front as a person reads it."""
    counts = {
        state: sum(t.state == state and t.twin is None for t in front.tried)
        for state in ("measured", "ended", "failed", "running")
    }
    said = f"{counts['measured']} measured, {counts['ended']} ended early"
    said += "".join(f", {counts[s]} {s}" for s in ("failed", "running") if counts[s])
    lines = [f"{front.model} on {front.board}: {said}; {len(front.points)} on the Pareto front"]
    if front.points:
        heads = [_WORDS[name] for name in front.objectives]
        lines.append(f"{'trial':>6} " + " ".join(f"{head:>13}" for head in heads) + "  how")
    for trial in front.points:
        cells = " ".join(f"{_shown(k, trial.values[k]):>13}" for k in front.objectives)
        lines.append(f"{trial.number:>6} {cells}  {_how(trial)}")
    return "\n".join(lines)
