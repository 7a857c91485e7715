"""`mcu deploy --like`: built for one board, run on another that has the same core."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.console import note, say, say_json
from pipeline.errors import McuError, ToolMissing
from pipeline.options import Options
from pipeline.progress import Progress

if TYPE_CHECKING:
    from pipeline.build import Image
    from pipeline.deploy import Deployment


def offered(board: str, on: str, port: str, until: str) -> str:
    """The stand-in a person at a terminal says yes to; "" where none is needed or wanted."""
    from pipeline.board import load_board
    from pipeline.run import STEPS
    from pipeline.steps.stand_in import check_emulator, stand_ins

    chosen = load_board(board)
    nearest = stand_ins(chosen)[:1]
    talks = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    if not nearest or not talks or on != "auto" or STEPS.index(until) < STEPS.index("flash"):
        return ""
    try:
        check_emulator(chosen, on, port)
    except ToolMissing as error:
        note(f"{error.what} (`mcu renode install` brings it), and only Renode has {board}.")
        question = f"Build for {board} and run on QEMU's {nearest[0]}, which has its core? [y/N] "
        sys.stderr.write(question)
        sys.stderr.flush()
        return nearest[0] if sys.stdin.readline().strip().lower() in ("y", "yes") else ""
    except McuError:
        return ""
    return ""


def deploy_like(
    model: Path,
    board: str,
    like: str,
    options: Options,
    progress: Progress,
) -> tuple[Image, Deployment]:
    """The image of `board`, and the deployment on `like`, beside it.

    Raises:
        WrongUse: `like` can't stand in.
        McuError: as `pipeline.deploy.deploy`.
    """
    from pipeline.board import load_board
    from pipeline.deploy import deploy_with
    from pipeline.run import Run, replaced_folder
    from pipeline.steps import artifacts
    from pipeline.steps.stand_in import check_stand_in

    check_stand_in(load_board(board), like, options.on)
    built = deploy_with(model, board, replace(options, until="build"), progress)
    image = artifacts.image_of(Run(built.folder))
    beside = built.folder.with_name(f"{built.folder.name}-like-{like}")
    if not beside.exists():
        # What does not depend on the board is not done again.
        with replaced_folder(beside) as copy:
            shutil.copytree(
                built.folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".pio")
            )
    there = replace(options, on="qemu", until="report", out=beside)
    return image, deploy_with(model, like, there, progress)


def show(board: str, like: str, image: Image, done: Deployment, as_json: bool) -> None:
    """Says which figures are whose."""
    from pipeline.board import load_board
    from pipeline.cli.summary import summary

    assert done.report is not None
    chosen = load_board(board)
    if as_json:
        sizes = {"flash_bytes": image.flash_bytes, "ram_bytes": image.ram_bytes}
        built = {"id": board, **sizes, "folder": str(image.elf.parent)}
        say_json({"board": built, "like": like, "report": done.report.to_json()})
        return
    say(
        f"{board}: built, not run; flash {image.flash_bytes / 1024:,.1f} of "
        f"{chosen.flash.bytes / 1024:,.1f} KiB, RAM {image.ram_bytes / 1024:,.1f} of "
        f"{chosen.ram.bytes / 1024:,.1f} KiB\n  firmware  {image.elf}"
    )
    say(f"\n{like} stands in for it (both {chosen.core}); what follows was measured on {like}:")
    say(summary(done.report, done.folder))
