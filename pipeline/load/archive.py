"""Reading .keras archives: names, sizes and forms are checked before anything is unpacked."""

from __future__ import annotations

import json
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError
from pipeline.load import limits
from pipeline.load.names import printable

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


class Archive:
    """The members of a zip file, by name.

    Args:
        path: the file.

    Raises:
        ModelError: no archive, or one that no honest program writes: names outside of it,
            names twice, links, encryption, or far more content than the file can hold.
    """

    def __init__(self, path: Path) -> None:
        self._where = printable(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as broken:
            raise ModelError("the archive is damaged or cut short", where=self._where) from broken
        self.members: dict[str, zipfile.ZipInfo] = {}
        try:
            self._check(path.stat().st_size)
        except BaseException:
            self._zip.close()
            raise

    def _check(self, size: int) -> None:
        infos = self._zip.infolist()
        if len(infos) > limits.MEMBERS:
            raise ModelError(f"the archive has {len(infos)} members", where=self._where)
        for info in infos:
            reason = _reason(info, self.members)
            if reason:
                raise ModelError(
                    f"the archive's member {printable(info.filename, 80)!r} {reason}",
                    where=self._where,
                )
            self.members[info.filename] = info
        total = sum(info.file_size for info in infos)
        if total > limits.expanded(size):
            raise ModelError(
                f"the archive of {size:,} bytes claims to hold {total:,}",
                where=self._where,
                hint=f"at most {limits.expanded(size):,} bytes are plausible",
            )

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def read(self, name: str, most: int = limits.FILE) -> bytes:
        """Return a member's content, of no more than `most` bytes.

        Raises:
            ModelError: absent, larger, or damaged.
        """
        info = self.members.get(name)
        if info is None:
            raise ModelError(f"the archive has no {name}", where=self._where)
        if info.file_size > most:
            raise ModelError(f"{name} of {info.file_size:,} bytes is too large", where=self._where)
        try:
            with self._zip.open(info) as file:
                content = file.read(info.file_size + 1)
        except _BROKEN as broken:
            raise ModelError(f"the archive is damaged at {name}", where=self._where) from broken
        if len(content) != info.file_size:
            raise ModelError(f"the archive is damaged at {name}", where=self._where)
        return content

    def json(self, name: str) -> Any:
        """Return a member's content read as JSON.

        Raises:
            ModelError: absent, too large, damaged or no JSON.
        """
        return parse_json(self.read(name, limits.CONFIG), f"{self._where}, {name}")


_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


def _reason(info: zipfile.ZipInfo, seen: dict[str, zipfile.ZipInfo]) -> str:
    name = info.filename
    # zipfile cuts names at a NUL and turns backslashes: what it would open must be what is read.
    if name != info.orig_filename.split("\0")[0] or "\0" in info.orig_filename:
        return "has a name that programs read differently"
    if not name.isprintable() or len(name) > 500:
        return "has a name that is no text"
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        return "lies outside of the archive"
    if name in seen:
        return "is there twice"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return "is compressed in a way that Keras does not use"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    return ""


def parse_json(content: bytes | str, where: str) -> Any:
    """Return JSON read strictly: no name twice in an object, so that all readers read the same.

    Raises:
        ModelError: it is no JSON.
    """
    try:
        return json.loads(content, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else printable(error)
        raise ModelError(f"its configuration can not be read ({reason})", where=where) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is there twice")
    return made
