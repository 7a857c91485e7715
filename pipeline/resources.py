"""Where the C sources and the boards are: in a checkout beside the package, in a wheel inside."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    inside = _HERE / name
    return inside if inside.is_dir() else _HERE.parent / name


FIRMWARE = _find("firmware")
BOARDS = _find("boards")
VERSION = "0.1.0"
