"""What is seen of a bench while it runs: a live table on a terminal, else lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.cli.console import clean, note

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.bench.matrix import Cell, State, Watcher

_STYLES = {"waiting": "dim", "running": "cyan", "done": "green", "failed": "red"}


@contextmanager
def display(cells: Sequence[Cell]) -> Iterator[Watcher]:
    """A watcher for `bench`."""
    if not sys.stderr.isatty():
        yield _Lines(len(cells))
        return
    from rich.console import Console
    from rich.live import Live

    rows = _Rows(cells)
    with Live(get_renderable=rows.table, console=Console(stderr=True), refresh_per_second=4,
              transient=True):  # fmt: skip
        yield rows


class _Lines:
    """A line when a cell starts and when it ends."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._started: set[str] = set()
        self._ended = 0

    def __call__(self, cell: Cell, state: State, text: str) -> None:
        if state == "running" and cell.name not in self._started:
            self._started.add(cell.name)
            note(f"{cell.name}: started")
        elif state in ("done", "failed"):
            self._ended += 1
            note(f"{cell.name}: {state}: {text} ({self._ended} of {self._total})")


class _Rows:
    """The live table."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._rows: dict[str, tuple[State, str]] = {cell.name: ("waiting", "") for cell in cells}
        self._times: dict[str, tuple[float, float | None]] = {}

    def __call__(self, cell: Cell, state: State, text: str) -> None:
        now = time.monotonic()
        if state == "running" and cell.name not in self._times:
            self._times[cell.name] = (now, None)
        elif state in ("done", "failed") and cell.name in self._times:
            self._times[cell.name] = (self._times[cell.name][0], now)
        self._rows[cell.name] = (state, text)

    def table(self) -> Table:
        """The table as of now."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for name in ("cell", "state", "seconds", ""):
            table.add_column(name, justify="right" if name == "seconds" else "left")
        for name, (state, text) in self._rows.items():
            begin, end = self._times.get(name, (0.0, 0.0))
            passed = (time.monotonic() if end is None else end) - begin
            seconds = f"{passed:.0f}" if begin else ""
            table.add_row(
                Text(clean(name)), Text(state, _STYLES[state]), seconds, Text(clean(text))
            )
        return table
