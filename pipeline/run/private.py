"""A folder that only this user can write to, for what outlives a command: the seal's key, locks."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from pipeline import system


def private_folder() -> Path:
    """$XDG_STATE_HOME/mcu-pipeline, or where that can't be written one in the temporary folder.

    Raises:
        OSError: there is no place for it, or somebody else has taken it.
    """
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    try:
        return _made(Path(state).expanduser() / "mcu-pipeline")
    except (OSError, RuntimeError):  # RuntimeError: this user has no home
        return _made(Path(tempfile.gettempdir()) / f"mcu-{system.user()}")


def _made(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    if not stat.S_ISDIR(found.st_mode) or not mine:
        raise PermissionError(f"{path} belongs to somebody else")
    if found.st_mode & 0o022:
        path.chmod(0o700)
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(f"{path} can't be written")
    return path
