"""`mcu bench`: models x boards x engines x emulators, several side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, note, say, say_json
from pipeline.options import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.bench.matrix import Result
    from pipeline.report.baseline import BaselineRow

EXAMPLES = """\b
Examples:
  mcu bench kws.tflite ic.tflite -b disco_f407vg -b mps2_an386 --on qemu
  mcu bench *.tflite -b disco_f407vg --data kws=kws.npz --samples 20 --html bench.html
  mcu bench kws.tflite -b disco_f407vg -e aot -e tflm --baseline baseline.csv --json
"""

_ROW = "{:<52} {:>8} {:>11} {:>14} {:>10} {:>10} {:>10}"

# Options that may be given several times, and what they are where they are not given.
Boards = Annotated[list[str], typer.Option("--board", "-b", help="Board id; several are fine.")]
Engines = Annotated[list[str], options.described("engine", "aot or tflm; several.")]
Places = Annotated[list[str], options.described("on", "Where to run, see mcu deploy; several.")]
Favours = Annotated[list[str], options.described("optimize", "See mcu deploy; several.")]
Recipes = Annotated[list[str], options.described("prune", "See mcu deploy; several.")]
DataSets = Annotated[
    list[str], options.described("data", "Data set for all, or MODEL=DATA for one model.")
]
_USUAL = Options()
_ENGINES, _ON, _OPTIMIZE = [_USUAL.engine], [_USUAL.on], [_USUAL.optimize]
_PRUNE, _DATA = [_USUAL.prune], ["random"]


@options.offers("ram_limit", "samples", "task", "port", "seed")
def command(
    models: Annotated[list[Path], typer.Argument(help="Model files, as `mcu deploy` takes them.")],
    board: Boards,
    chosen: Options,
    engine: Engines = _ENGINES,
    on: Places = _ON,
    optimize: Favours = _OPTIMIZE,
    prune: Recipes = _PRUNE,
    data: DataSets = _DATA,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Side by side.  [default: processors]")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Bench folder.")] = Path("bench"),
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="CSV with figures of another program to show beside."),
    ] = None,
    html: options.Html = None,
    junit: options.Junit = None,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Deploy every combination, record the results, go on where an earlier start stopped."""
    codes: list[int] = []

    def work() -> None:
        from pipeline.bench.matrix import bench, matrix
        from pipeline.cli.bench_display import display
        from pipeline.report.baseline import read_baseline
        from pipeline.report.history import History
        from pipeline.run import write_atomically

        rows = read_baseline(baseline) if baseline is not None else []
        cells = matrix(
            models,
            board,
            engines=engine,
            on=on,
            optimize=optimize,
            prune=prune,
            data=data,
            **chosen.given(),
        )
        with History(db) as history:
            with display(cells) as watch:
                results = bench(cells, out, jobs=jobs, watch=watch)
            numbers = {
                result.cell.name: history.record(result.report)
                for result in results
                if result.report is not None
            }
        fitting = [row for row in rows if any(_fits(row, result) for result in results)]
        if junit is not None:
            from pipeline.report.junit import junit as xml

            write_atomically(junit, xml("mcu bench", [_case(result) for result in results]))
        if html is not None:
            from pipeline.report.html import page

            reports = [result.report for result in results if result.report is not None]
            failures = [(r.cell.name, str(r.error["what"])) for r in results if r.error]
            write_atomically(html, page(reports, title="Bench", baseline=fitting,
                                        failures=failures))  # fmt: skip
        if json:
            documents = [_document(result, numbers, fitting) for result in results]
            say_json({"folder": str(out), "cells": documents})
        else:
            _table(results, fitting)
        codes.extend(int(result.error["exit_code"]) for result in results if result.error)
        for result in results:
            if result.error:
                where, what = result.error["where"], result.error["what"]
                note(f"error: {result.cell.name}: {f'{where}: ' if where else ''}{what}")
                if result.error["hint"]:
                    note(f"  hint: {result.error['hint']}")

    code = guarded(work, json)
    # All failed cells for one reason: its code. For several: a step failed.
    failed = codes[0] if len(set(codes)) == 1 else 1
    raise typer.Exit(code or (failed if codes else 0))


def _fits(row: BaselineRow, result: Result) -> bool:
    report = result.report
    return report is not None and row.fits(report.model.name, report.board.core)


def _case(result: Result) -> Any:
    from pipeline.report.junit import Case

    if result.error is None:
        return Case(result.cell.board, result.cell.name, result.seconds)
    text = f"{result.error['what']}\n{result.error['hint']}"
    return Case(result.cell.board, result.cell.name, result.seconds, "error", text)


def _document(
    result: Result, numbers: dict[str, int], baseline: Sequence[BaselineRow]
) -> dict[str, Any]:
    from dataclasses import asdict

    cell = result.cell
    return {
        "name": cell.name,
        "model": str(cell.model),
        "board": cell.board,
        "engine": cell.options.engine,
        "on": cell.options.on,
        "seconds": round(result.seconds, 1),
        "history": numbers.get(cell.name),
        "report": result.report.to_json() if result.report else None,
        "error": result.error,
        "baseline": [asdict(row) for row in baseline if _fits(row, result)],
    }


def _table(results: Sequence[Result], baseline: Sequence[BaselineRow]) -> None:
    """Flash is the whole image; engine is its code and the model, as a baseline's flash is."""
    from pipeline.report.answers import headline

    say(_ROW.format("result", "right", "identical", "cost", "flash", "engine", "RAM"))
    for result in results:
        report = result.report
        if report is None:
            say(f"{result.cell.name:<52} failed")
            continue
        accuracy, memory = report.accuracy, report.memory
        same = accuracy.identical_outputs
        say(
            _ROW.format(
                result.cell.name,
                "-" if (share := headline(report)) is None else f"{100 * share:.2f} %",
                "-" if same is None else f"{same:,}/{accuracy.samples:,}",
                f"{report.latency.median:,}",
                f"{memory.flash_bytes:,}",
                "-" if memory.engine_bytes is None else f"{memory.engine_bytes:,}",
                f"{memory.ram_bytes:,}",
            )
        )
        for row in baseline:
            if _fits(row, result) and report.latency.unit == "instructions":
                factor = row.instructions / max(1, report.latency.median)
                name = f"  baseline {row.kind}"
                cost = f"{row.instructions:,}"
                words = _ROW.format(name, "", "", cost, "", f"{row.flash_bytes:,}", "")
                say(f"{words.rstrip():<109}  {factor:.2f}x the cost")
