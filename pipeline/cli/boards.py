"""`mcu boards`: the boards there are, and `mcu boards add`: one more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, say, say_json

EXAMPLES = """\b
Examples:
  mcu boards
  mcu boards --json
  mcu boards add --from-pio esp32dev
"""

ADD_EXAMPLES = """\b
Examples:
  mcu boards add --from-pio esp32dev
  mcu boards add --from-pio nucleo_f446re --id nucleo_f446re_arduino
  mcu boards add --from-pio my_board --manifest boards/my_board.json --platform ststm32
"""

app = typer.Typer(rich_markup_mode=None)

_ROW = "{:<20} {:<14} {:>5}  {:>8} {:>8}  {:<13} {}"


@app.callback(invoke_without_command=True, epilog=EXAMPLES)
def command(context: typer.Context, json: options.Json = False) -> None:
    """List the boards, and what was verified of them."""
    if context.invoked_subcommand is not None:
        return

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


@app.command("add", epilog=ADD_EXAMPLES)
def add(
    from_pio: Annotated[str, typer.Option("--from-pio", help="PlatformIO's board id.")],
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", help="Its manifest.  [default: installed platforms, registry]"),
    ] = None,
    platform: Annotated[
        str, typer.Option("--platform", help="Its platform, where the manifest does not tell.")
    ] = "",
    name: Annotated[str, typer.Option("--id", help="Our id.  [default: PlatformIO's]")] = "",
    json: options.Json = False,
) -> None:
    """Describe one of PlatformIO's Arduino boards."""

    def work() -> None:
        from pipeline.board.add import add_board
        from pipeline.build.pio_boards import look_up

        board = add_board(
            from_pio, look_up=look_up, manifest=manifest, platform=platform, name=name
        )
        path = board.folder / "board.toml"
        if json:
            say_json({**_document(board), "path": str(path)})
            return
        say(f"wrote {path}")
        say(f"{board.name}: {board.core}, {board.clock_hz / 1e6:g} MHz, "
            f"{board.flash.bytes / 1024:g} KB flash, {board.ram.bytes / 1024:g} KB RAM, "
            "through its Arduino core; nothing verified yet")  # fmt: skip

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
