"""`mcu report`: what a run found, for people and machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, note, say, say_json
from pipeline.cli.layers import show_alarm

EXAMPLES = """\b
Examples:
  mcu report run
  mcu report run --html run.html
  mcu report run/measurement.json --json
"""


def command(
    measurement: Annotated[
        Path, typer.Argument(help="measurement.json of `mcu measure`, or its run.")
    ],
    html: options.Html = None,
    json: options.Json = False,
) -> None:
    """Write report.json and print the summary."""

    def work() -> None:
        from pipeline import steps
        from pipeline.cli.summary import summary
        from pipeline.steps import artifacts

        run = artifacts.run_of(measurement)
        report = steps.report(run)
        if html is not None:
            from pipeline.report.html import page
            from pipeline.run import write_atomically

            title = f"{report.model.name} on {report.board.id}"
            write_atomically(html, page([report], title=title))
            note(f"wrote {html}")
        if json:
            say_json(report.to_json())
        else:
            say(summary(report, run.path))
        codes.append(show_alarm(report.accuracy, json))

    codes: list[int] = []
    raise typer.Exit(guarded(work, json) or max(codes, default=0))
