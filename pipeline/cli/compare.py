"""`mcu compare`: two results side by side, with gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, note, say, say_json

if TYPE_CHECKING:
    from pipeline.report.compare import Comparison

EXAMPLES = """\b
Examples:
  mcu compare runs/before runs/after
  mcu compare baseline.json bench --max-slowdown 2% --max-drop 0.5 --max-flash +1KB
  mcu compare 41 42 --markdown --html change.html
"""

_ROW = "  {:<18} {:>14} {:>14} {:<13} {:>14}  {}"
_SOURCE = "report.json, a list of them, a run or bench folder, or a number of `mcu history`."


def command(
    before: Annotated[str, typer.Argument(help=_SOURCE)],
    after: Annotated[str, typer.Argument(help="The same kinds.")],
    max_slowdown: options.MaxSlowdown = None,
    max_drop: options.MaxDrop = None,
    max_flash: options.MaxFlash = None,
    max_ram: options.MaxRam = None,
    parity: options.Parity = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Markdown on stdout, for a pull request.")
    ] = False,
    junit: options.Junit = None,
    html: options.Html = None,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Compare two results, or two sets of them; leave with 5 or 6 where a gate fails."""
    failed: list[int] = []

    def work() -> None:
        from pipeline.errors import WrongUse
        from pipeline.report.compare import compare
        from pipeline.report.gates import parse_gates
        from pipeline.report.sources import load_reports
        from pipeline.run import write_atomically

        if json and markdown:
            raise WrongUse("only one can go to stdout", where="--json, --markdown")
        gates = parse_gates(
            max_slowdown=max_slowdown,
            max_drop=max_drop,
            max_flash=max_flash,
            max_ram=max_ram,
            parity=parity,
        )
        new = load_reports(after, db)
        done = compare(load_reports(before, db), new, gates)
        if junit is not None:
            from pipeline.report.junit import cases_of
            from pipeline.report.junit import junit as xml

            write_atomically(junit, xml("mcu compare", cases_of(done)))
        if html is not None:
            from pipeline.report.html import page

            title = "Before and after"
            write_atomically(html, page([p.after for p in done.pairs], title=title,
                                        comparison=done))  # fmt: skip
        if json:
            say_json(done.to_json())
        elif markdown:
            from pipeline.report.markdown import markdown as to_markdown

            say(to_markdown(done).rstrip())
        else:
            _tables(done)
        if done.error is not None:
            # The result is whole and printed: the failed gate is no second document.
            note(f"error: {done.error}")
            failed.append(done.error.exit_code)

    code = guarded(work, json)
    raise typer.Exit(code or (failed[0] if failed else 0))


def _tables(done: Comparison) -> None:
    from pipeline.report.compare import number
    from pipeline.report.markdown import change

    for pair in done.pairs:
        say(pair.name)
        for figure in pair.figures:
            gate = f"{figure.verdict.upper()}: {figure.gate}" if figure.gate else ""
            before, after = number(figure.before, figure.unit), number(figure.after, figure.unit)
            row = _ROW.format(figure.name, before, after, figure.unit, change(figure), gate)
            say(row.rstrip())
        for condition in pair.conditions:
            say(f"  differs: {condition.name}: {condition.before} before, {condition.after} now")
    for name in done.missing:
        say(f"{name}: was there before, has no result now")
    for name in done.new:
        say(f"{name}: new")
