"""A program brings every header its kernels include."""

from __future__ import annotations

from pipeline.codegen.registry import registry
from pipeline.codegen.runtime import with_headers
from pipeline.resources import FIRMWARE


def test_headers_come_along_transitively() -> None:
    files = with_headers(["dsp/conv.c"])
    assert {"dsp/conv.c", "dsp/conv.h", "dsp/gemm.h", "dsp/requant.h", "dsp/simd.h"} <= set(files)
    assert list(files) == sorted(files)


def test_all_of_them_exist() -> None:
    assert registry()
    sources = [
        str(path.relative_to(FIRMWARE / "runtime")) for path in (FIRMWARE / "runtime").rglob("*.c")
    ]
    assert all((FIRMWARE / "runtime" / file).is_file() for file in with_headers(sources))
