"""`mcu doctor`: what is installed, and what to do about what is not."""

from __future__ import annotations

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, say, say_json

EXAMPLES = """\b
Examples:
  mcu doctor
"""


def command(json: options.Json = False) -> None:
    """Check compilers, emulators, PlatformIO and serial ports."""

    def work() -> None:
        from dataclasses import asdict

        from pipeline.flash.doctor import doctor

        checks = doctor()
        if json:
            say_json([asdict(check) for check in checks])
            return
        for check in checks:
            say(f"{'ok' if check.ok else '--':3} {check.name:24} {check.found}")
            if not check.ok and check.hint:
                say(f"      {check.hint}")

    raise typer.Exit(guarded(work, json))
