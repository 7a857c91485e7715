"""How the library tells of its progress: it calls back, and never prints."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called by long work.

    Args:
        step: the step's name, as in `mcu --help` ("prune", "measure", ...).
        done: units finished so far.
        total: units in all, 0 where that is not known.
        note: a few words on what is being done now.
    """

    def __call__(self, step: str, done: int, total: int, note: str = "") -> None:
        """Take note of the progress."""
        ...


def silent(step: str, done: int, total: int, note: str = "") -> None:
    """The default: no one is listening."""
