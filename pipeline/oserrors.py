"""The operating system's errors as the project's own: what, which path, which option.

The one place that does so: the command line (`pipeline.cli.console.guarded`), the workers of a
bench and of a search. Within the package an OSError is raised on.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import McuError, StepFailed, WrongUse

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TOO_MANY = {errno.EMFILE, errno.ENFILE}
# What another option, another right or another folder mends; the rest is the machine's.
_WRONG_USE = {
    errno.EACCES: "this user has no right to it",
    errno.EPERM: "this user has no right to it",
    errno.EROFS: "the file system is read-only",
    errno.ENOENT: "no such file or folder",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.EISDIR: "is a folder, not a file",
    errno.EEXIST: "a file is in the place of a folder",
    errno.ENOTEMPTY: "is a folder that is not empty",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "is a link that leads to itself",
    errno.ENXIO: "is no regular file",
    errno.ENODEV: "is no regular file",
}


def own_error(error: OSError, options: Mapping[str, object] | None = None) -> McuError:
    """An OSError as one of ours.

    Args:
        options: name of an option ("--out") -> its value; that whose value is the path, or
            the nearest folder above it, is named.
    """
    path = _path_of(error)
    option, value = _option_of(path, options or {})
    where = " ".join(part for part in (path or value, f"({option})" if option else "") if part)
    if error.errno in _NO_SPACE:
        return StepFailed(
            "there is no space left on the disk", where=where, hint=_space_hint(path, option)
        )
    if error.errno in _TOO_MANY:
        return StepFailed(
            "too many files are open",
            where=where,
            hint="`ulimit -n 4096` allows more; --jobs and --workers need fewer",
        )
    if error.errno in _WRONG_USE:
        change = f"name another with {option}" if option else "is it the right path?"
        return WrongUse(_WRONG_USE[error.errno], where=where, hint=change)
    reason = error.strerror or str(error) or type(error).__name__
    return StepFailed(f"the operating system says: {reason}", where=where)


def make_folder(folder: Path, option: str = "--out") -> None:
    """Makes a folder, and those above it.

    Raises:
        WrongUse, StepFailed: it can't be made, or can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            reason = errno.EROFS if _is_read_only(folder) else errno.EACCES
            raise OSError(reason, os.strerror(reason), str(folder))
    except OSError as error:
        own = own_error(error, {option: folder})
        what = f"the folder can't be made: {own.what}"
        raise type(own)(what, where=own.where, hint=own.hint) from error


def _is_read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _path_of(error: OSError) -> str:
    name = error.filename2 if error.filename is None else error.filename
    if isinstance(name, bytes):
        return os.fsdecode(name)
    return name if isinstance(name, str) else ""


def _option_of(path: str, options: Mapping[str, object]) -> tuple[str, str]:
    """The option that names the path, or the nearest folder above it; and its value."""
    best, found = -1, ("", "")
    target = Path(path).absolute() if path else None
    for option, value in options.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if not isinstance(one, str | Path) or not str(one):
                continue
            named = Path(one).absolute()
            if target is None:
                # A write that failed does not know its file: what is written goes to --out.
                if option == "--out":
                    return option, str(one)
            elif target.is_relative_to(named) and len(named.parts) > best:
                best, found = len(named.parts), (option, str(one))
    return found


def _space_hint(path: str, option: str) -> str:
    if option:
        return (
            f"make room, or name a folder on another disk with {option}; the same command goes on"
        )
    if path and Path(path).is_relative_to(tempfile.gettempdir()):
        return "make room, or name another folder for temporary files with TMPDIR"
    return "make room; the same command goes on from here"
