"""`mcu doctor`: what is installed, and what to do about what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, say, say_json
from pipeline.errors import WrongUse

EXAMPLES = """\b
Examples:
  mcu doctor
  mcu doctor --board nucleo_f446re
  mcu doctor --bundle report.zip --run runs/kws-disco_f407vg
"""


def command(
    board: Annotated[
        str | None, typer.Option("--board", "-b", help="What this board still needs here.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="Write an archive (.zip) for a bug report: see what is in."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="A run folder whose records go into the bundle.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Check compilers, emulators, PlatformIO and serial ports."""

    def work() -> None:
        from dataclasses import asdict

        from pipeline.board import load_board
        from pipeline.flash.doctor import doctor
        from pipeline.flash.needs import needs

        if run is not None and bundle is None:
            raise WrongUse("--run goes with --bundle", where="--run", hint="--bundle report.zip")
        checks = needs(load_board(board)) if board is not None else doctor()
        inside = {}
        if bundle is not None:
            from pipeline.steps.bundle import write_bundle

            inside = write_bundle(bundle, checks, run)
        if json:
            said = [asdict(check) for check in checks]
            say_json({"checks": said, "bundle": inside} if bundle is not None else said)
            return
        for check in checks:
            say(f"{'ok' if check.ok else '--':3} {check.name:24} {check.found}")
            if not check.ok and check.hint:
                say(f"      {check.hint}")
        if bundle is not None:
            say(f"\nwrote {bundle}; look through it before you give it away:")
            for name, size in inside.items():
                say(f"  {size:8,}  {name}")

    raise typer.Exit(guarded(work, json))
