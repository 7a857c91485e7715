"""`mcu history`: the results recorded so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, note, say, say_json

if TYPE_CHECKING:
    from pipeline.report.history import Entry

EXAMPLES = """\b
Examples:
  mcu history --model kws --board disco_f407vg
  mcu history --last 50 --html history.html
  mcu history --record run --db postgresql://ci@db.example/mcu
"""

_ROW = "{:>5}  {:<16} {:<21} {:<40} {:>8} {:>14} {:>10} {:>10}"


def command(
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only this model.")] = None,
    board: Annotated[str | None, typer.Option("--board", "-b", help="Only this board.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="The newest so many results.")] = 30,
    record: Annotated[
        str | None,
        typer.Option("--record", help="First record this: a report.json, run or bench folder."),
    ] = None,
    html: options.Html = None,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """List the results recorded so far, the newest last."""

    def work() -> None:
        from pipeline.report.history import History

        with History(db) as history:
            if record is not None:
                from pipeline.report.sources import load_reports

                for report in load_reports(record):
                    note(f"recorded as {history.record(report)}")
            entries = history.entries(model=model, board=board, limit=last)
        if html is not None:
            from pipeline.report.html import page
            from pipeline.run import write_atomically

            write_atomically(html, page([], title="History of results", entries=entries))
            note(f"wrote {html}")
        if json:
            say_json([_document(entry) for entry in entries])
        else:
            _table(entries)

    raise typer.Exit(guarded(work, json))


def _document(entry: Entry) -> dict[str, Any]:
    return {"id": entry.id, "at": entry.at, "git": entry.git, "report": entry.report.to_json()}


def _table(entries: list[Entry]) -> None:
    from pipeline.report.compare import name_of

    if not entries:
        note("the history holds no such result; mcu bench and mcu deploy --history record")
        return
    say(_ROW.format("id", "recorded (UTC)", "commit", "result", "right", "cost", "flash", "RAM"))
    for entry in entries:
        report = entry.report
        device = report.accuracy.device
        say(
            _ROW.format(
                entry.id,
                entry.at[:16].replace("T", " "),
                entry.git or "-",
                name_of(report),
                "-" if device is None else f"{100 * device:.2f} %",
                f"{report.latency.median:,}",
                f"{report.memory.flash_bytes:,}",
                f"{report.memory.ram_bytes:,}",
            ).rstrip()
        )
