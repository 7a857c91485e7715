"""`mcu ports`: serial ports and probes on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, say, say_json

EXAMPLES = """\b
Examples:
  mcu ports
  mcu ports --udev-rules
"""


def command(
    json: options.Json = False,
    udev_rules: Annotated[
        bool,
        typer.Option("--udev-rules", help="Print the udev rules that allow their use on Linux."),
    ] = False,
) -> None:
    """List serial ports and probes."""

    def work() -> None:
        from dataclasses import asdict

        from pipeline.flash import ports

        if udev_rules:
            from pipeline.flash.udev import rules

            typer.echo(rules(), nl=False)
            return
        found = ports()
        if json:
            say_json([asdict(port) for port in found])
        elif not found:
            say("no serial port found")
        for port in [] if json else found:
            say(f"{port.device:16} {port.vid_pid:10} {port.description}  {', '.join(port.boards)}")

    raise typer.Exit(guarded(work, json))
