"""Temporary folders and files: whoever leaves one by being killed, the next use takes it away.

A name holds the process id and when that process started, and the folder is locked for as long
as its process lives: a number that was given again, and a process of another container, are
not taken for ours.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # there process id and start alone tell
    fcntl = None
_OWNER = r"(\d+)-(\d+)-[0-9a-f]{8}"
_OURS = re.compile(rf"mcu-[a-z]+-{_OWNER}")
# A path of a Unix socket has 107 bytes; our own names take the rest.
_SHORT_BYTES = 48
# Of a name that gets a neighbour: file systems take 255 bytes.
_MOST_CHARACTERS = 50
_START_FIELD = 19  # of /proc/PID/stat, counted behind the name in parentheses


class Folder:
    """A private folder for as long as this process wants it.

    Args:
        kind: lower-case letters; part of its name.
        short: its path is short and has no space, whatever TMPDIR says: sockets are put there.

    Attributes:
        path: the folder, with mode 0700.
    """

    def __init__(self, kind: str, *, short: bool = False) -> None:
        base = short_base() if short else Path(tempfile.gettempdir())
        sweep(base)
        self.path = _made(base / f"mcu-{kind}-")
        self._lock = _locked(self.path)

    def close(self) -> None:
        """Removes it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextlib.contextmanager
def folder(kind: str, *, short: bool = False) -> Iterator[Path]:
    """A private folder for the length of the block; see `Folder`."""
    made = Folder(kind, short=short)
    try:
        yield made.path
    finally:
        made.close()


def folder_beside(path: Path) -> Path:
    """A new folder in the one `path` is in, to be moved into its place or removed."""
    name = path.name[:_MOST_CHARACTERS]
    sweep(path.parent, name)
    return _made(path.parent / f".{name}.")


@contextlib.contextmanager
def taking_the_place_of(path: Path) -> Iterator[Path]:
    """A folder in the one `path` is in; what the block has not moved out of it is removed."""
    made = folder_beside(path)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def file_beside(path: Path) -> tuple[int, Path]:
    """A new file in the folder of `path`, open for writing: its descriptor and its name."""
    name = path.name[:_MOST_CHARACTERS]
    sweep(path.parent, name)
    made = path.parent / f".{name}.{_owner()}"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    return os.open(made, flags | getattr(os, "O_BINARY", 0), 0o600), made


def sweep(base: Path, beside: str = "") -> None:
    """Removes what processes have left that live no more.

    Args:
        base: where to look.
        beside: only what was made to take the place of this name; "" for private folders.
    """
    pattern = re.compile(rf"\.{re.escape(beside)}\.{_OWNER}") if beside else _OURS
    with contextlib.suppress(OSError), os.scandir(base) as entries:
        for entry in entries:
            match = pattern.fullmatch(entry.name)
            if match and _is_left(Path(entry.path), int(match[1]), int(match[2])):
                _remove(Path(entry.path))


def _is_left(path: Path, pid: int, started: int) -> bool:
    if _started(pid) == started:
        return False
    with contextlib.suppress(OSError):
        found = path.lstat()
        if hasattr(os, "getuid") and found.st_uid != os.getuid():
            return False
        if not stat.S_ISDIR(found.st_mode):
            return stat.S_ISREG(found.st_mode)
        lock = _locked(path)
        if lock is not None:
            os.close(lock)
        return lock is not None or fcntl is None
    return False


def is_mine(path: Path) -> bool:
    """Whether this user made a file, and no link stands for it."""
    found = path.lstat()
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return mine and stat.S_ISREG(found.st_mode)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _made(start: Path) -> Path:
    path = start.with_name(start.name + _owner())
    path.mkdir(mode=0o700)
    return path


def _owner() -> str:
    return f"{os.getpid()}-{_started(os.getpid()) or 0}-{secrets.token_hex(4)}"


def _locked(path: Path) -> int | None:
    """A lock on a folder, which ends with this process; None where another has it."""
    if fcntl is None:
        return None
    handle = None
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if handle is not None:
            os.close(handle)
        return None
    return handle


def _started(pid: int) -> int | None:
    """When a process has started, in a unit of the system's; None where there is none."""
    if os.path.isdir("/proc/self"):  # noqa: PTH112 - asked for every file that is written
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
                return int(file.read().rpartition(b")")[2].split()[_START_FIELD])
        except (OSError, ValueError, IndexError):
            return None
    import psutil

    try:
        return int(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def short_base() -> Path:
    """The first place for temporary folders whose path leaves room for a socket's name."""
    places = [tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp", "/var/tmp"]
    for place in places:
        fits = len(os.fsencode(place)) <= _SHORT_BYTES and not re.search(r"\s", place)
        if place and fits and os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK):  # noqa: PTH112
            return Path(place)
    return Path(tempfile.gettempdir())
