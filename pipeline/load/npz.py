"""Reading .npy and .npz files: what a header declares is held against the file first."""

from __future__ import annotations

import math
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.load.names import printable

# Bytes of all arrays together; a data set for a microcontroller's model is far smaller.
MOST = 8 << 30
# How many bytes of arrays a byte of a compressed file may stand for, where they are many:
# pictures of digits shrink to a tenth, spectrograms with silence to a thirtieth.
_EXPANSION = 100
_FREE = 256 << 20
_MEMBERS = 1000
_HEADER = 10_000
_KINDS = "iufbcUS"
_PICKLE = "holds Python objects (pickle), which could run code when read"


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a .npz by name, or that of a .npy as `x` (mapped, not read).

    Raises:
        DataError: no NumPy data, Python objects, or sizes that the file can't hold.
    """
    where = printable(path)
    if not path.is_file():  # a FIFO would be waited for
        raise DataError("is no file", where=where)
    size = path.stat().st_size
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # NumPy warns of headers that it reads all the same
            if file.read(6) == npy.MAGIC_PREFIX:
                file.seek(0)
                shape, _, dtype = _header(file, size, where, "the array")
                if not math.prod(shape):
                    return {"x": np.zeros(shape, dtype)}
                return {"x": np.load(path, mmap_mode="r", allow_pickle=False)}
            return _members(path, size, where)
    except DataError:
        raise
    except Exception as error:  # NumPy's and zipfile's parsers raise many types
        raise DataError(
            f"can not be read as NumPy data ({printable(error)})", where=where
        ) from error


def _members(path: Path, size: int, where: str) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if len(infos) > _MEMBERS:
            raise DataError(f"holds {len(infos):,} arrays", where=where)
        total = sum(info.file_size for info in infos)
        if total > min(MOST, max(_FREE, _EXPANSION * size)):
            raise DataError(
                f"claims to hold {total:,} bytes in {size:,}",
                where=where,
                hint="save it with numpy.savez, uncompressed",
            )
        for info in infos:
            name = info.filename.removesuffix(".npy")
            shown = printable(name, 60)
            if name in arrays:
                raise DataError(f"holds {shown} twice", where=where)
            if info.flag_bits & 0x1:
                raise DataError(f"{shown} is encrypted", where=where)
            with archive.open(info) as member:
                shape, order, dtype = _header(member, info.file_size, where, shown)
                count = math.prod(shape)
                values: NDArray[Any] = np.empty(count, dtype)
                _fill(member, values, where, shown)
            arrays[name] = values.reshape(shape, order="F" if order else "C")
    return arrays


def _header(
    file: IO[bytes], size: int, where: str, name: str
) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read an array's header; what it declares must be what follows, byte for byte."""
    version = npy.read_magic(file)
    if version == (1, 0):
        shape, order, dtype = npy.read_array_header_1_0(file, max_header_size=_HEADER)
    elif version == (2, 0):
        shape, order, dtype = npy.read_array_header_2_0(file, max_header_size=_HEADER)
    else:
        raise DataError(f"{name} is of version {version}", where=where)
    if dtype.hasobject:
        raise DataError(
            _PICKLE,
            where=where,
            hint="save plain number arrays: numpy.asarray(x, dtype='float32')",
        )
    if dtype.kind not in _KINDS or dtype.itemsize == 0 or len(shape) > 16:
        raise DataError(f"{name} holds {printable(dtype, 60)} values, not numbers", where=where)
    if any(not isinstance(n, int) or n < 0 for n in shape):
        raise DataError(f"{name} has the shape {printable(shape, 60)}", where=where)
    declared = math.prod(shape) * dtype.itemsize
    if declared != size - file.tell():
        raise DataError(
            f"{name} declares {declared:,} bytes, {size - file.tell():,} follow", where=where
        )
    return shape, order, dtype


def _fill(file: IO[bytes], values: NDArray[Any], where: str, name: str) -> None:
    """Read an array's bytes into it in pieces, so that it is in memory once."""
    flat = memoryview(values.view(np.uint8).data if values.size else b"")
    at = 0
    while at < len(flat):
        piece = file.read(min(len(flat) - at, 1 << 20))
        if not piece:
            raise DataError(f"{name} is cut short", where=where)
        flat[at : at + len(piece)] = piece
        at += len(piece)
    if file.read(1):  # also makes zipfile compare the checksum
        raise DataError(f"{name} is longer than it says", where=where)
