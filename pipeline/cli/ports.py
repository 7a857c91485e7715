"""`mcu ports`: serial ports and probes on this machine."""

from __future__ import annotations

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, say, say_json

EXAMPLES = """\b
Examples:
  mcu ports
"""


def command(json: options.Json = False) -> None:
    """List serial ports and probes."""

    def work() -> None:
        from dataclasses import asdict

        from pipeline.flash import ports

        found = ports()
        if json:
            say_json([asdict(port) for port in found])
        elif not found:
            say("no serial port found")
        for port in [] if json else found:
            say(f"{port.device:16} {port.vid_pid:10} {port.description}  {', '.join(port.boards)}")

    raise typer.Exit(guarded(work, json))
