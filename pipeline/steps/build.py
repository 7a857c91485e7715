"""The step `build`: project/ -> firmware.elf and image.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.board import load_board
from pipeline.progress import Progress, silent
from pipeline.run import Run, digest, file_sums
from pipeline.steps.artifacts import FIRMWARE, IMAGE, image_of, require_rendered_here
from pipeline.steps.keys import board_key

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.build import Image
    from pipeline.render import Project


def build(run: Run, project: Project, *, trust: bool = False, progress: Progress = silent) -> Image:
    """project/ -> firmware.elf and image.json; `trust` builds one that somebody else made."""
    from pipeline.build import build as build_project

    board = load_board(project.board)
    require_rendered_here(run, trust=trust)

    def make(folder: Path) -> Image:
        return build_project(project, board, out=folder, progress=progress)

    # What lies in the folder now: a person may have changed the project by hand.
    key = digest(file_sums(project.path), board_key(board))
    return run.step("build", key, (FIRMWARE, IMAGE), make, lambda _: image_of(run))
