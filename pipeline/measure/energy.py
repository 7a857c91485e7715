"""Energy of an inference: a trace of current and voltage, and the window in it that counts."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError
from pipeline.run import require_file

_COLUMNS = ("seconds", "amperes", "volts", "marker")


@dataclass(frozen=True)
class Trace:
    """What a meter has seen.

    Attributes:
        source: the meter or the file.
        seconds: (n,) times, rising.
        amperes, volts: (n,) at those times.
        marker: (n,) whether the pin that marks inferences was active; None where none was read.
    """

    source: str
    seconds: NDArray[np.float64]
    amperes: NDArray[np.float64]
    volts: NDArray[np.float64]
    marker: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Energy:
    """Energy of one inference.

    Attributes:
        source: the meter or the file.
        joules: of one inference: the window's energy by the number of inferences, whatever the
            chip takes at rest included.
        inferences: in the window.
        seconds: of the window.
        amperes, volts: means over the window, by time.
        samples: readings in it.
    """

    source: str
    joules: float
    inferences: int
    seconds: float
    amperes: float
    volts: float
    samples: int


def energy_of(trace: Trace, inferences: int, window: tuple[float, float] | None = None) -> Energy:
    """Integrates power over the window, by the trapezoidal rule.

    Args:
        trace: current and voltage over time.
        inferences: how many the window holds.
        window: begin and end in the trace's seconds; None: from the first active reading of the
            marker to the last one, or the whole trace where there is no marker. So a pin that is
            active during the inferences will do, and one that gives a pulse before and after.

    Raises:
        DataError: the window holds fewer than two readings.
    """
    times = trace.seconds
    if window is not None:
        chosen = (times >= window[0]) & (times <= window[1])
        name = f"the window from {window[0]:g} to {window[1]:g} s"
    elif trace.marker is not None:
        active = np.flatnonzero(trace.marker)
        chosen = np.zeros(len(times), bool)
        if len(active):
            chosen[active[0] : active[-1] + 1] = True
        name = "the time between the marks"
    else:
        chosen, name = np.ones(len(times), bool), "the trace"
    if chosen.sum() < 2:
        raise DataError(
            f"{name} holds {int(chosen.sum())} readings",
            where=trace.source,
            hint="--energy-window BEGIN:END says where the inferences are, in the trace's seconds",
        )
    t, amperes, volts = times[chosen], trace.amperes[chosen], trace.volts[chosen]
    seconds = float(t[-1] - t[0])
    if seconds <= 0:
        raise DataError(f"{name} has no length", where=trace.source)
    return Energy(
        source=trace.source,
        joules=float(np.trapezoid(amperes * volts, t)) / inferences,
        inferences=inferences,
        seconds=seconds,
        amperes=float(np.trapezoid(amperes, t)) / seconds,
        volts=float(np.trapezoid(volts, t)) / seconds,
        samples=int(chosen.sum()),
    )


def read_trace(path: Path, volts: float | None = None) -> Trace:
    """Reads a recorded trace: CSV with the columns seconds, amperes and, if known, volts, marker.

    A line of names may stand first; without it the columns are in that order.

    Args:
        volts: the supply, where the file does not hold it.

    Raises:
        DataError: no such file, not numbers, times that do not rise, or no voltage.
    """
    names: tuple[str, ...] = _COLUMNS
    require_file(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
        if rows and not _is_number(rows[0][0]):
            names = tuple(name.strip().lower() for name in rows.pop(0))
        values = np.array([[float(cell) for cell in row] for row in rows])
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise _no_trace(path, f"can't be read: {error}") from error
    if values.ndim != 2 or len(values) < 2:
        raise _no_trace(path, "holds no trace")
    columns = dict(zip(names, values.T, strict=False))
    if "seconds" not in columns or "amperes" not in columns:
        raise _no_trace(path, f"has the columns {', '.join(names)}")
    if not np.isfinite(values).all() or (np.diff(columns["seconds"]) <= 0).any():
        raise _no_trace(path, "times have to rise, and all values to be numbers")
    supply = columns.get("volts")
    if supply is None:
        supply = np.full(len(values), known_volts(volts, str(path)))
    marker = columns["marker"] > 0.5 if "marker" in columns else None
    return Trace(path.name, columns["seconds"], columns["amperes"], supply, marker)


def known_volts(volts: float | None, where: str) -> float:
    """The supply that was stated.

    Raises:
        DataError: it was not.
    """
    if volts is None or volts <= 0:
        raise DataError(
            "the current alone is no energy", where=where, hint="--volts 3.3 states the supply"
        )
    return volts


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _no_trace(path: Path, what: str) -> DataError:
    hint = "CSV: seconds, amperes, and volts and marker (0 or 1) where they are known"
    return DataError(what, where=str(path), hint=hint)
