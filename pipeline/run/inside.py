"""Files that may come from somebody else: what a name leads to is looked at before it is used.

A name that an artifact gives is relative, stays within its folder, and no part of it is a link.
A file a person names may be a link, but is a regular file: reading a FIFO or a device would wait
for ever.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

from pipeline.errors import WrongUse

# What any JSON artifact of ours may take: the largest, a list of reports, is far below.
MOST_BYTES = 32 << 20
_PIECE_BYTES = 1 << 20
_MOST_NAME = 1024
_MOST_PART = 255  # bytes, of every file system there is
_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a link"),
)


def is_plain(name: object) -> bool:
    """Whether a name is relative, has no "..", and is made of characters that can be shown."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= _MOST_NAME
        and name.isprintable()
        and "\\" not in name
        and all(_is_part(part) for part in name.split("/"))
    )


def _is_part(part: str) -> bool:
    return part not in ("", ".", "..") and len(part.encode()) <= _MOST_PART


def inside(folder: Path, name: object, where: Path) -> Path:
    """The path of a name that an artifact gives.

    Args:
        folder: the name is relative to it.
        where: the artifact, for the message.

    Raises:
        WrongUse: the name leads out of the folder.
    """
    if not is_plain(name):
        raise WrongUse(
            f"names {str(name)[:100]!r}, which is no file within its folder",
            where=str(where),
            hint="the folder was not left so by mcu: name a new one with --out",
        )
    return folder / str(name)


def has_link(folder: Path, path: Path) -> bool:
    """Whether a part of `path` below `folder` is a link."""
    parts = path.relative_to(folder).parts
    return any(folder.joinpath(*parts[: n + 1]).is_symlink() for n in range(len(parts)))


def is_own_file(folder: Path, path: Path) -> bool:
    """Whether it is a regular file below `folder`, reached without a link."""
    return not has_link(folder, path) and path.is_file()


def require_file(path: Path, *, folder: bool = False) -> None:
    """Refuses what would wait for ever, or never end, when it is read.

    Args:
        path: as a person named it; a link is followed.
        folder: a folder will do too.

    Raises:
        WrongUse: it is there, and is neither a regular file nor a folder that will do.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return  # whoever reads it says so
        raise
    except ValueError as error:  # a NUL in the name
        raise WrongUse("is no name of a file", where=repr(str(path))[:200]) from error
    if not stat.S_ISREG(mode) and not (folder and stat.S_ISDIR(mode)):
        raise WrongUse(f"is {_kind(mode)}, not a file", where=str(path), hint="name a file")


def read_limited(path: Path, most: int = MOST_BYTES, *, follow: bool = True) -> bytes:
    """The bytes of a regular file of at most `most` bytes.

    Args:
        follow: a link will do; not for artifacts of a folder.

    Raises:
        WrongUse: it is no regular file, a link, or too large.
        OSError: it is not there, or may not be read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        handle = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            raise _not_read(path, "is a link") from error
        if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, a device without a driver
            raise _not_read(path, "is no regular file") from error
        raise
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise _not_read(path, f"is {_kind(found.st_mode)}")
    with os.fdopen(handle, "rb") as file:
        content = _at_most(file, most) if found.st_size <= most else None
    if content is None:
        raise _not_read(path, f"is larger than {most:,} bytes")
    return content


def _at_most(file: IO[bytes], most: int) -> bytes | None:
    """All that is left of a file; None where that is more than `most` bytes.

    In pieces: `read(most)` takes that much memory for the smallest file.
    """
    pieces, size = [], 0
    while piece := file.read(_PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            return None
    return b"".join(pieces)


def _kind(mode: int) -> str:
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "no regular file")


def _not_read(path: Path, what: str) -> WrongUse:
    return WrongUse(f"is not read: it {what}", where=str(path), hint="a regular file is needed")
