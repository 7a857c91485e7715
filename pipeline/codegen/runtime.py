"""Which files of firmware/runtime a program needs: the named ones, and what they include."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import PurePosixPath

from pipeline.resources import FIRMWARE

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def with_headers(files: Iterable[str]) -> tuple[str, ...]:
    """The files and all headers they include, directly or not, sorted.

    Args:
        files: paths relative to firmware/runtime. An included name is looked for beside the
            file that includes it, then in firmware/runtime; others (the generated
            network.h, say) are not the runtime's.
    """
    found: set[str] = set()
    todo = list(files)
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += _included(file)
    return tuple(sorted(found))


@cache
def _included(file: str) -> tuple[str, ...]:
    root = FIRMWARE / "runtime"
    text = (root / file).read_text(encoding="utf-8")
    beside = PurePosixPath(file).parent
    names = (
        next((p for p in (str(beside / name), name) if (root / p).is_file()), None)
        for name in _INCLUDE.findall(text)
    )
    return tuple(name for name in names if name is not None)
