"""`mcu`: registers the commands, one thin module each."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer
from typer.core import TyperGroup

from pipeline.cli import (
    analyze,
    bench,
    boards,
    build,
    ci,
    compare,
    convert,
    demo,
    deploy,
    doctor,
    emulate,
    flash,
    history,
    measure,
    ops,
    ports,
    prune,
    quantize,
    render,
    renode,
    report,
    search,
)
from pipeline.resources import VERSION


class _InOrder(TyperGroup):
    """Lists the commands in the order of the chain, groups among them."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """All names, the helpers last."""
        del ctx
        return sorted(self.commands, key=lambda name: _ORDER.get(name, len(_ORDER)))


app = typer.Typer(
    name="mcu",
    cls=_InOrder,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    help=(
        "From a Keras model to a measured microcontroller.\n\n"
        "One command does it all: mcu deploy model.keras --board disco_f407vg --data d.npz.\n"
        "Each step can be taken alone, in the order below."
    ),
)

_COMMANDS = (
    deploy, prune, quantize, convert, render, build, flash, measure, report,
    emulate, bench, compare, history, analyze, search, boards, ops, ports, doctor, demo,
)  # fmt: skip

_ORDER: dict[str, int] = {}


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"mcu {VERSION}\n")
        raise typer.Exit


for _command in _COMMANDS:
    name = _command.__name__.rpartition(".")[2]
    _ORDER[name] = len(_ORDER)
    if _command is boards:
        app.add_typer(boards.app, name=name)
    else:
        app.command(name, epilog=_command.EXAMPLES)(_command.command)


@app.callback()
def _of_all(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help="Show the version."),
    ] = False,
) -> None:
    del version


app.add_typer(ci.app, name="ci")
app.add_typer(renode.app, name="renode")


def main() -> None:
    """Entry point of the `mcu` command."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is no error.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(app())


if __name__ == "__main__":
    main()
