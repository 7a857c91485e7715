"""The tiny program built for a board: once per session, however many tests look at it."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from tiny_program import tiny_program

from pipeline.board import load_board
from pipeline.build import Image, build
from pipeline.render import render


@cache
def _folder() -> Path:
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="tiny-firmware-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def tiny_image(board_id: str) -> Image:
    """Skips the test where the board's compiler is not installed."""
    board = load_board(board_id)
    if shutil.which(f"{board.toolchain}-gcc") is None:
        pytest.skip(f"{board.toolchain}-gcc is not installed")
    folder = _folder() / board_id / "project"
    return build(render(board, name="tiny", out=folder, program=tiny_program()), board)
