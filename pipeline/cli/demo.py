"""`mcu demo`: a network that comes with the package, on an emulated board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, note, progress_display, say, say_json
from pipeline.options import Options

EXAMPLES = """\b
Examples:
  mcu demo
  mcu demo --board hifive1-revb --open
"""

_FILES = Path(__file__).with_name("digits")
_PAGE = "report.html"


@options.offers("on", "out")
def command(
    chosen: Options,
    board: options.Board = "disco_f407vg",
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    json: options.Json = False,
) -> None:
    """Deploy a digits network that comes with this package; needs no model, data or TensorFlow."""

    def work() -> None:
        from pipeline.cli.summary import summary
        from pipeline.deploy import deploy
        from pipeline.report.html import page
        from pipeline.run import write_atomically

        with progress_display() as progress:
            done = deploy(
                _FILES / "digits.tflite",
                board,
                data=str(_FILES / "digits.npz"),
                on=chosen.on,
                out=chosen.out or Path("runs") / f"demo-{board}",
                progress=progress,
            )
        assert done.report is not None
        report, place = done.report, done.folder / _PAGE
        write_atomically(place, page([report], title=f"{report.model.name} on {report.board.id}"))
        if json:
            say_json(report.to_json())
        else:
            say(summary(report, done.folder))
            say(f"  page      {place}")
            say("\nYour own: mcu deploy MODEL.tflite --board BOARD --data DATA.npz")
        if show:
            import webbrowser

            if not webbrowser.open(place.absolute().as_uri()):
                note(f"no browser could be started: {place}")

    raise typer.Exit(guarded(work, json))
