"""What a step's result depends on beside its inputs: sources, versions, the board, time.

A step is run again when its key changes; each step's module makes its own with `digest`.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.board import Board
from pipeline.run import digest

PACKAGE = Path(__file__).parents[1]


def board_key(board: Board) -> dict[str, Any]:
    """All that a board says, apart from where it lies."""
    return {key: value for key, value in asdict(board).items() if key != "folder"}


def sources_key(*folders: Path) -> str:
    """Digest of a step's own sources: a change makes its result anew."""
    code = [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    return digest([[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in code])


def versions() -> list[str]:
    """Of what trains and converts; training is too dear to be done again for any edit."""
    from importlib.metadata import PackageNotFoundError, version

    from pipeline.resources import VERSION

    found = [VERSION]
    for name in ("tensorflow", "tf-keras", "tensorflow-model-optimization"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:  # a .tflite needs none of them
            found.append(f"{name} absent")
    return found


def now_unless(emulated: bool) -> int:
    """Makes a step on a real board run each time: it may hold something else by now."""
    return 0 if emulated else time.time_ns()
