"""NumPy files: headers, sizes, types and the zip around them, changed."""

from __future__ import annotations

import io
import os
import random
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from pipeline.load import Signature, load_data, load_split

from .seeds import change_bytes

_TYPES = ("<f4", "<f8", "|u1", "<i4", ">i2", "|b1", "<c8", "<U3", "|S4", "|O", "<M8[s]", "|V8",
          "[('a', '<f4')]", "<f2", "<f16", "", "<f-4", "<U999999999", "(2,)f4")  # fmt: skip
_SHAPES = ("(8, 4)", "(32,)", "()", "(0, 4)", "(8, 4, 1)", "(-8, -4)", "(4294967296,)", "(8, 4",
           "(10**9, 10**9)", "(True, 32)", "(8.0, 4)", "[8, 4]", "(8, 4, )", "((8,), 4)", "None",
           "(9223372036854775807, 9223372036854775807)", "(1,)*40")  # fmt: skip
_SIGNATURES = (
    Signature((4,), "float32", (3,)),
    Signature((4,), "int8", (3,)),
    Signature((4, 1), "float32", (1,)),
    Signature((2, 2), "int32", (4,)),
)


def make_case(rng: random.Random) -> bytes:
    """Return a mutant of a .npz or .npy file; its first byte picks how it is read."""
    how = bytes([rng.randrange(16)])
    pick = rng.randrange(4)
    if pick == 0:
        return how + change_bytes(_npz(rng, _array(rng), _labels(rng)), rng)
    if pick == 1:
        return how + _npz(rng, _header(rng), _labels(rng))
    if pick == 2:
        return how + change_bytes(_header(rng) if rng.randrange(2) else _array(rng), rng)
    x, y = _array(rng), _labels(rng)
    if rng.randrange(3) == 0:
        x, y = change_bytes(x, rng), change_bytes(y, rng)
    return how + _npz(rng, x, y)


def _array(rng: random.Random) -> bytes:
    held = io.BytesIO()
    kind = rng.choice(("f4", "f8", "u1", "i8", "?", "i1"))
    x = np.random.default_rng(rng.randrange(1 << 30)).integers(0, 99, (8, 4)).astype(kind)
    if kind in ("f4", "f8") and rng.randrange(4) == 0:
        x[rng.randrange(8), rng.randrange(4)] = rng.choice((np.nan, np.inf, -np.inf, 3e38, -1e-40))
    np.save(held, x, allow_pickle=False)
    return held.getvalue()


def _labels(rng: random.Random) -> bytes:
    held = io.BytesIO()
    y = rng.choice((np.arange(8) % 3, np.eye(3)[np.arange(8) % 3], np.linspace(0, 1, 8),
                    np.zeros(8), np.arange(-4, 4), np.full(8, 1 << 40),
                    np.full(8, np.nan)))  # fmt: skip
    np.save(held, y, allow_pickle=False)
    return held.getvalue()


def _header(rng: random.Random) -> bytes:
    kind, shape = rng.choice(_TYPES), rng.choice(_SHAPES)
    text = f"{{'descr': {kind if kind.startswith('[') else repr(kind)}, "
    text += f"'fortran_order': {rng.choice(('False', 'True', '1'))}, 'shape': {shape}, }}"
    raw = text.encode() + b" " * rng.randrange(64) + b"\n"
    version = rng.choice((b"\x01\x00", b"\x02\x00", b"\x03\x00"))
    length = len(raw).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + length + raw + bytes(rng.choice((0, 32, 128, 256)))


def _npz(rng: random.Random, x: bytes, y: bytes) -> bytes:
    held = io.BytesIO()
    names = rng.choice((("x", "y"), ("x_train", "x_test"), ("x", "x"), ("\x1b[2J", "x"), ("x", "")))
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(held, "w", method) as file:
        for name, content in zip(names, (x, y), strict=True):
            if f"{name}.npy" not in file.namelist():
                file.writestr(f"{name}.npy", content)
    return held.getvalue()


def try_case(case: bytes) -> None:
    """Read a case as data for one of several models."""
    how = case[0] if case else 0
    descriptor, name = tempfile.mkstemp(suffix=".npz")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(case[1:])
        signature = _SIGNATURES[how % 4]
        if how & 4:
            load_split(name, signature, shuffle=bool(how & 8))
        else:
            load_data(name, signature, samples=5, x_scale=0.5 if how & 8 else None)
    finally:
        Path(name).unlink()
