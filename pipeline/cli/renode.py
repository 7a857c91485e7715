"""`mcu renode`: the emulator Renode on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, note, progress_display, say, say_json

EXAMPLES = """\b
Examples:
  mcu renode install
  mcu renode install --url file:///media/usb/renode-1.16.1.linux-portable-dotnet.tar.gz
  mcu renode install --url https://mirror.example/renode.tar.gz --sha256 00e1...38c0
"""

app = typer.Typer(
    no_args_is_help=True,
    help="Install the emulator Renode.",
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """Install the emulator Renode."""


@app.command("install", epilog=EXAMPLES)
def install(
    url: Annotated[str, typer.Option("--url", help="A mirror or a copy of the release.")] = "",
    sha256: Annotated[
        str, typer.Option("--sha256", help="The archive's sum.  [default: the release's]")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Install again.")] = False,
    json: options.Json = False,
) -> None:
    """Download Renode's portable release into the user's cache."""

    def work() -> None:
        from dataclasses import asdict

        from pipeline.flash.renode_install import install_renode

        with progress_display() as display:
            found = install_renode(url=url, sha256=sha256, force=force, progress=display)
        if json:
            say_json({**asdict(found), "program": str(found.program)})
        else:
            say(f"{'installed' if found.fresh else 'there already:'} {found.program}")
            if found.says:
                say(found.says)
        if found.trouble:
            note(f"warning: it does not run here: {found.trouble}")

    raise typer.Exit(guarded(work, json))
