"""`mcu boards`: the boards there are."""

from __future__ import annotations

from typing import Any

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, say, say_json

EXAMPLES = """\b
Examples:
  mcu boards
  mcu boards --json
"""

_ROW = "{:<20} {:<14} {:>5}  {:>8} {:>8}  {:<13} {}"


def command(json: options.Json = False) -> None:
    """List the boards, and what was verified of them."""

    def work() -> None:
        from pipeline.board import boards, load_board

        found = [load_board(name) for name in boards()]
        if json:
            say_json([_document(board) for board in found])
            return
        say(_ROW.format("id", "core", "MHz", "flash K", "RAM K", "emulators", "last verified"))
        for board in found:
            row = _document(board)
            say(
                _ROW.format(
                    board.id,
                    board.core,
                    f"{board.clock_hz / 1e6:g}",
                    f"{board.flash.bytes / 1024:g}",
                    f"{board.ram.bytes / 1024:g}",
                    ", ".join(row["emulators"]) or "-",
                    ", ".join(board.verified) or "nothing yet",
                )
            )

    raise typer.Exit(guarded(work, json))


def _document(board: Any) -> dict[str, Any]:
    return {
        "id": board.id,
        "name": board.name,
        "mcu": board.mcu,
        "core": board.core,
        "features": list(board.features),
        "clock_hz": board.clock_hz,
        "flash_bytes": board.flash.bytes,
        "ram_bytes": board.ram.bytes,
        "emulators": [name for name in ("qemu", "renode") if getattr(board, name) is not None],
        "upload": list(board.platformio.upload) if board.platformio else [],
        "verified": list(board.verified),
    }
