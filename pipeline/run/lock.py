"""One command at a time in a folder. The operating system lets go when the holder has ended.

The lock is on the folder itself, so nothing is left of it. Programs that write into the folder
for us (`pio`, workers) are started with `held_locks()`: after `kill -9` of the command the folder
stays locked until they have ended too, and nobody builds in it beside them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import WrongUse

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows, whose locks are not on folders
    fcntl = None

# For what a command that was killed has left running; a person is told within this time.
PATIENCE_SECONDS = 3.0
# A worker of a bench has nobody to tell: an emulator or a compiler may take this long to end.
WORKER_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.05


@dataclass
class _Held:
    handle: int
    thread: int
    depth: int = 1


_held: dict[tuple[int, int], _Held] = {}
_guard = threading.Lock()
_patience = PATIENCE_SECONDS


def be_patient(seconds: float = WORKER_PATIENCE_SECONDS) -> None:
    """How long this process waits for a folder."""
    global _patience
    _patience = seconds


def held_locks() -> tuple[int, ...]:
    """File descriptors that keep what this process has locked locked: for `pass_fds`."""
    with _guard:
        return tuple(held.handle for held in _held.values() if held.handle >= 0)


@contextlib.contextmanager
def locked(folder: Path, *, what: str = "command", again: bool = True) -> Iterator[None]:
    """Holds a folder that exists.

    Args:
        what: is at work there, for the message.
        again: the thread that holds it may take it once more.

    Raises:
        WrongUse: another process, or another thread of this one, is at work in it.
    """
    place = _take(folder, what, again)
    try:
        yield
    finally:
        with _guard:
            held = _held[place]
            held.depth -= 1
            if held.depth == 0:
                del _held[place]
                if held.handle >= 0:
                    os.close(held.handle)


def _take(folder: Path, what: str, again: bool) -> tuple[int, int]:
    deadline = time.monotonic() + _patience
    mine = threading.get_ident()
    while True:
        with _guard:
            found = folder.stat()
            place = (found.st_dev, found.st_ino)
            known = _held.get(place)
            if known is not None and known.thread == mine and again:
                known.depth += 1
                return place
            if known is None and (handle := _try(folder, place)) is not None:
                _held[place] = _Held(handle, mine)
                return place
        if time.monotonic() > deadline:
            raise WrongUse(
                f"another {what} is at work in this folder",
                where=str(folder),
                hint="wait until it has ended, or name another folder with --out",
            )
        time.sleep(_POLL_SECONDS)


def _try(folder: Path, place: tuple[int, int]) -> int | None:
    """A descriptor that holds the lock; -1 where there are no locks on folders; None: taken."""
    if fcntl is None:
        return -1
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        now = os.fstat(handle)
        if (now.st_dev, now.st_ino) == place:
            return handle
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EINTR):
            os.close(handle)
            return -1
    os.close(handle)
    return None
