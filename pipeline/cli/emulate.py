"""`mcu emulate`: an emulated board on a pseudo-terminal, for any serial program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import fail, guarded, note, say, say_json
from pipeline.errors import Interrupted, McuError

EXAMPLES = """\b
Examples:
  mcu emulate run --pty /tmp/board
  mcu emulate run --pty /tmp/board --seconds 600 --json &
"""


def command(
    firmware: Annotated[Path, typer.Argument(help="firmware.elf of `mcu build`, or its run.")],
    pty: Annotated[
        Path | None, typer.Option("--pty", help="Put a link to the pseudo-terminal here.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, help="End after so long; else at Ctrl-C.")
    ] = None,
    on: Annotated[str, typer.Option("--on", help="Emulator: auto, qemu or renode.")] = "auto",
    json: options.Json = False,
) -> None:
    """Keep the emulated board running, its UART on a pseudo-terminal."""
    ended = 0

    def work() -> None:
        from pipeline.board import load_board
        from pipeline.flash import Device
        from pipeline.flash.emulate import emulate, emulator_of
        from pipeline.steps import artifacts

        image = artifacts.image_of(artifacts.run_of(firmware))
        board = load_board(image.board)
        device = Device(on=emulator_of(board, on), board=board.id, elf=image.elf)
        started = False

        def ready(path: str) -> None:
            nonlocal started
            started = True
            if json:
                say_json({"pty": path, "board": board.id, "on": device.on})
            else:
                say(path)
            sys.stdout.flush()
            if not json:
                note(f"{board.id} on {device.on} runs; Ctrl-C ends it")

        try:
            emulate(device, board, link=pty, seconds=seconds, ready=ready)
        except (McuError, KeyboardInterrupt) as error:
            if not started:
                raise
            # The one JSON document is out: the rest is for stderr.
            nonlocal ended
            known = error if isinstance(error, McuError) else Interrupted("the board is ended")
            ended = fail(known, as_json=False)

    raise typer.Exit(guarded(work, json) or ended)
