"""What differs between operating systems, in one place: locks, processors, users, folders."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Variables by which compilers look into folders, or write files, that no project names.
COMPILER_VARIABLES = frozenset({
    "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "LIBRARY_PATH",
    "COMPILER_PATH", "GCC_EXEC_PREFIX", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES",
})  # fmt: skip


class Busy(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds a lock file; the system lets go of it whatever ends this process.

    Raises:
        Busy: another holds it, and `wait` is false.
        OSError: the file can't be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, mode=0o600, thread_local=False)
    try:
        lock.acquire(blocking=wait)
    except Timeout as error:
        raise Busy(str(path)) from error
    try:
        yield
    finally:
        lock.release()


def processors() -> list[int]:
    """Numbers of the processors this process may run on; [] where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    import psutil

    ask = getattr(psutil.Process(), "cpu_affinity", None)
    return sorted(ask()) if ask is not None else []


def processor_count() -> int:
    """How many processes can run side by side."""
    return len(processors()) or os.cpu_count() or 1


def user() -> str:
    """A word that tells this machine's users apart."""
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def lock_folder() -> Path:
    """A folder that is the same for all processes of this user, whatever their TMPDIR says."""
    if hasattr(os, "getuid"):
        for place in (Path("/run/user") / user(), Path("/tmp")):
            if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
                return place
    return Path(tempfile.gettempdir())


def cache_folder() -> Path:
    """Where this package keeps what it can make anew: ~/.cache/mcu-pipeline on Linux."""
    from platformdirs import user_cache_path

    return user_cache_path("mcu-pipeline", appauthor=False)
