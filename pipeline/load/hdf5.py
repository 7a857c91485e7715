"""Checking HDF5 files before their arrays are read.

HDF5 can do much that a file of weights has no use for: arrays that lie in other files, links
to other files, arrays put together from other files, plug-ins that unpack. All of it is refused
by name. What is left are groups and plain arrays of numbers, whose sizes are added up first.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pipeline import extras
from pipeline.errors import ModelError
from pipeline.load import limits
from pipeline.load.names import printable

# Filters that every HDF5 library has built in: deflate, shuffle, fletcher32; and h5py's lzf.
_FILTERS = frozenset({1, 2, 3, 32000})
_CHUNK = 64 << 20
_DEEPEST = 64


def h5py() -> Any:
    """Return the module h5py.

    Raises:
        ToolMissing: it is not installed.
    """
    return extras.load("h5py")


def check_hdf5(file: Any, size: int, where: str) -> int:
    """Look at every object of an open HDF5 file; returns the number of values in its arrays.

    Args:
        file: an h5py.File.
        size: of the file, in bytes.
        where: for messages.

    Raises:
        ModelError: links, external or virtual arrays, other types than numbers, unknown
            filters, or arrays of more bytes than the file can hold.
    """
    return _Walk(size, where).run(file)


class _Walk:
    def __init__(self, size: int, where: str) -> None:
        self._h5 = h5py()
        self._most, self._where = limits.expanded(size), where
        self._seen: set[int] = set()
        self._bytes = 0
        self._values = 0

    def run(self, file: Any) -> int:
        try:
            self._group(file["/"], 0)
        except ModelError:
            raise
        except Exception as error:  # h5py raises many types for damaged files
            raise ModelError("the HDF5 file is damaged or cut short", where=self._where) from error
        return self._values

    def _refuse(self, name: str, reason: str) -> None:
        raise ModelError(f"{printable(name, 80) or '/'} {reason}", where=self._where)

    def _group(self, group: Any, depth: int) -> None:
        self._attributes(group)
        if depth > _DEEPEST:
            self._refuse(group.name, f"is nested more than {_DEEPEST} deep")
        for name in group:
            path = f"{group.name.rstrip('/')}/{name}"
            link = group.get(name, getlink=True)
            if isinstance(link, self._h5.ExternalLink):
                self._refuse(path, f"is a link to another file ({printable(link.filename, 60)})")
            if not isinstance(link, self._h5.HardLink):
                self._refuse(path, "is a link")
            item = group[name]
            at = int(self._h5.h5o.get_info(item.id).addr)
            if at in self._seen:
                self._refuse(path, "is there under two names")
            self._seen.add(at)
            if len(self._seen) > limits.MEMBERS:
                self._refuse("/", f"holds more than {limits.MEMBERS:,} objects")
            if isinstance(item, self._h5.Group):
                self._group(item, depth + 1)
            elif isinstance(item, self._h5.Dataset):
                self._dataset(item, path)
            else:
                self._refuse(path, "is neither a group nor an array")

    def _dataset(self, item: Any, path: str) -> None:
        self._attributes(item)
        made = item.id.get_create_plist()
        if made.get_external_count():
            self._refuse(path, f"lies in another file ({printable(made.get_external(0)[0], 60)})")
        if item.is_virtual:
            self._refuse(path, "is put together from other files")
        for index in range(made.get_nfilters()):
            if made.get_filter(index)[0] not in _FILTERS:
                self._refuse(path, f"needs the plug-in {made.get_filter(index)[0]} to be unpacked")
        if item.dtype.kind not in "iufb" or item.dtype.itemsize > 8:
            self._refuse(path, f"holds {printable(item.dtype, 40)} values, not numbers")
        if item.shape is None:
            self._refuse(path, "has no shape")
        width = item.dtype.itemsize
        if item.chunks is not None and math.prod(item.chunks) * width > _CHUNK:
            self._refuse(path, f"has chunks of {math.prod(item.chunks) * width:,} bytes")
        values = math.prod(item.shape)
        self._values += values
        self._bytes += values * width
        if self._bytes > self._most:
            self._refuse(path, f"and the arrays before it claim {self._bytes:,} bytes")

    def _attributes(self, item: Any) -> None:
        if len(item.attrs) > limits.MEMBERS:
            self._refuse(item.name, f"has {len(item.attrs)} attributes")
        for name in item.attrs:
            held = item.attrs.get_id(name)
            values = math.prod(held.shape or ())
            if values * max(held.dtype.itemsize, 8) > limits.CONFIG:
                self._refuse(
                    item.name, f"has an attribute {printable(name, 40)} of {values:,} values"
                )
            if held.dtype.kind not in "iufbSO" or (
                held.dtype.kind == "O" and self._h5.check_string_dtype(held.dtype) is None
            ):
                self._refuse(item.name, f"has an attribute {printable(name, 40)} that is no text")


def text_attribute(file: Any, name: str, where: str) -> str | None:
    """Return a text attribute of the root; None where it is absent.

    Raises:
        ModelError: it is no text, or too long.
    """
    try:
        if name not in file.attrs:
            return None
        held = file.attrs.get_id(name)
        plain = held.shape == () and held.dtype.kind in "SO" and held.dtype.itemsize < limits.CONFIG
        raw = file.attrs[name] if plain else None
    except Exception as error:  # h5py raises many types for damaged files
        raise ModelError("the HDF5 file is damaged or cut short", where=where) from error
    if isinstance(raw, bytes):
        raw = raw.decode("utf-8", "replace")
    if not isinstance(raw, str) or len(raw) > limits.CONFIG:
        raise ModelError(f"{name} is no text", where=where)
    return raw


def open_hdf5(path: Path, where: str) -> Any:
    """Open a file to be read.

    Raises:
        ModelError: it is no HDF5 file.
    """
    try:
        return h5py().File(path, "r")
    except Exception as error:
        raise ModelError("the HDF5 file is damaged or cut short", where=where) from error
