"""Data files that lie about their sizes or carry objects."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

from pipeline.errors import DataError, WrongUse
from pipeline.load import Signature, load_data
from pipeline.load.npz import read_npz


def header(text, version=b"\x01\x00"):
    raw = text.encode("latin1")
    length = len(raw).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + length + raw


def npz(path, compression=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


def array(values):
    held = io.BytesIO()
    npy.write_array(held, np.asarray(values))
    return held.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4)}") + bytes(16),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}") + bytes(15),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}") + bytes(17),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + b"cos\nsystem\n",
        header("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}") + bytes(8),
        header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}") + bytes(4),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (2**70,)}"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': " + "(" * 200 + ")" * 200 + "}"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}") + bytes(3),
        header("{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000,)}"),
        header("{'descr': '|S0', 'fortran_order': False, 'shape': (1000000000,)}"),
        header("{'descr': '<m8[s]', 'fortran_order': False, 'shape': (1,)}") + bytes(8),
        header("__import__('os').system('id')"),
        header("{'descr': '<f4'}"),
        header("{" * 9000),
        header("x" * 60_000),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", b"\x03\x00") + bytes(4),
        header("", b"\x09\x09"),
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff",
        b"",
        b"PK\x03\x04",
    ],
)
def test_headers_are_held_against_the_file(tmp_path, raw):
    (tmp_path / "x.npy").write_bytes(raw)
    with pytest.raises(DataError):
        read_npz(tmp_path / "x.npy")
    with pytest.raises(DataError):
        read_npz(npz(tmp_path / "x.npz", x=raw))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = npz(tmp_path / "x.npz", zipfile.ZIP_DEFLATED, x=array(np.zeros(300 << 20, np.uint8)))
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(DataError, match="claims to hold 314,572,928 bytes"):
        read_npz(path)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_arrays_are_there_once_and_in_the_clear(tmp_path):
    path = npz(tmp_path / "x.npz", x=array([1.0]))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("x.npy", array([2.0]))
    with pytest.raises(DataError, match="twice"):
        read_npz(path)
    path = npz(tmp_path / "y.npz", x=array([1.0]))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        read_npz(path)
    with pytest.raises(DataError, match="arrays"):
        read_npz(npz(tmp_path / "z.npz", **{f"a{i}": b"" for i in range(1001)}))


def test_damaged_values_are_noticed(tmp_path):
    path = npz(tmp_path / "x.npz", x=array(np.arange(100.0)))
    content = bytearray(path.read_bytes())
    content[content.index(np.float64(50.0).tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="can not be read"):
        read_npz(path)


def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.npy")
    with pytest.raises(WrongUse, match="is a FIFO, not a file"):
        load_data(tmp_path / "x.npy", Signature((4,), "float32", (2,)))


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_as_they_were(tmp_path, order):
    x = np.asarray(np.random.default_rng(0).normal(size=(5, 4, 3)), np.float32, order=order)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(5), none=np.zeros((0, 3)), one=np.float64(3))
    np.savez_compressed(tmp_path / "b.npz", x=x)
    back = read_npz(tmp_path / "a.npz")
    np.testing.assert_array_equal(back["x"], x)
    assert back["none"].shape == (0, 3)
    assert back["one"] == 3
    np.testing.assert_array_equal(read_npz(tmp_path / "b.npz")["x"], x)


def test_large_data_is_in_memory_once(tmp_path):
    """uint8 pictures become float32, four bytes each, and no more than that at any time."""
    x = np.random.default_rng(0).integers(0, 256, (4000, 100, 50), np.uint8)
    np.savez(tmp_path / "x.npz", x=x)
    size = x.nbytes
    del x
    tracemalloc.start()
    data = load_data(tmp_path / "x.npz", Signature((100, 50), "float32", (2,)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.x.nbytes == 4 * size
    assert peak < 5 * size + (30 << 20)
