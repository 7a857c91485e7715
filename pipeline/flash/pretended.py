"""Pseudo-terminals with an emulated board behind them: whoever opens one may have to know.

`mcu emulate` leaves a note of its terminal for as long as it runs; a port is looked up there.
A real board's port is no pseudo-terminal, and one that a bridge (socat) gives has no note.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline import scratch
from pipeline.flash.device import EMULATORS

_NOTE = "terminal"
_TERMINAL = re.compile(r"/dev/pts/\d+|/dev/ttys\d+")
_MOST_BYTES = 200


@contextlib.contextmanager
def noted(terminal: str, emulator: str) -> Iterator[None]:
    """Leaves the note within the block.

    Args:
        terminal: the far end's path.
        emulator: what runs behind it, "qemu" or "renode".
    """
    with scratch.folder("emulate", short=True) as folder:
        (folder / _NOTE).write_text(f"{emulator} {terminal}\n")
        yield


def emulator_behind(port: str) -> str:
    """The emulator behind a port; "" where none is known."""
    terminal = os.path.realpath(port) if port.startswith("/") else ""
    if not _TERMINAL.fullmatch(terminal):
        return ""
    for base in sorted({tempfile.gettempdir(), str(scratch.short_base())}):
        scratch.sweep(Path(base))
        for note in Path(base).glob(f"mcu-emulate-*/{_NOTE}"):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                if scratch.is_mine(note):
                    with note.open(encoding="ascii") as file:
                        said = file.read(_MOST_BYTES).split()
                    if len(said) == 2 and said[1] == terminal and said[0] in EMULATORS:
                        return said[0]
    return ""
