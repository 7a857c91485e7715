"""Clocks: ticks into cycles or instructions, and a board's clock held against ours."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass

from pipeline.errors import DeviceError
from pipeline.measure.link import Link
from pipeline.measure.measurement import Latency
from pipeline.measure.monitor import LAP, Monitor

# So long that what the line adds to either end is less than a part in a thousand.
_LEAST_SECONDS = 1.0
_ASKED_SECONDS = 2.0


@dataclass(frozen=True)
class Stamp:
    """The same moment by this machine's clock and by the chip's, both in seconds."""

    here: float
    there: float


def stamp(link: Link) -> Stamp | None:
    """Asks the chip for its time; None where it does not say."""
    monitor = Monitor(link, _ASKED_SECONDS)
    with contextlib.suppress(DeviceError):
        monitor.settle()  # a greeting has a time too
        before = time.monotonic()
        lines = monitor.command("timestamp")
        after = time.monotonic()
        for line in lines:
            if match := LAP.fullmatch(line):
                return Stamp((before + after) / 2, int(match[1]) / 1e6)
    return None


def measured_hz(link: Link, nominal_hz: int, begin: Stamp | None) -> float | None:
    """The chip's clock by ours, from `begin` until now, a second at least; None if unknown.

    The chip reckons its seconds from the clock it believes to have: by how much they are too
    short or too long, the clock is too fast or too slow.
    """
    if begin is None:
        return None
    time.sleep(max(0.0, begin.here + _LEAST_SECONDS - time.monotonic()))
    end = stamp(link)
    if end is None or end.there <= begin.there:
        return None
    return nominal_hz * (end.there - begin.there) / (end.here - begin.here)


class Clock:
    """Ticks of the chip's counter -> instructions on an emulator, cycles on a board.

    Args:
        on: where it ran, "qemu", "renode", "probe" or "serial".
        firmware: what the firmware says of itself.
    """

    def __init__(self, on: str, firmware: dict[str, str]) -> None:
        self._tick_hz = int(firmware["tick_hz"])
        self.emulated = on in ("qemu", "renode")
        self.nominal_hz = int(firmware["clock_hz"])
        # QEMU runs with -icount shift=0: an instruction is a nanosecond of its time.
        self._hz = 1_000_000_000 if self.emulated else self.nominal_hz

    def cost(self, ticks: int) -> int:
        """Cycles or instructions."""
        return (ticks * self._hz + self._tick_hz // 2) // self._tick_hz

    def latency(self, ticks: list[int], clock_hz: float | None = None) -> Latency:
        """Cost over a number of inferences; `clock_hz` is the clock as measured."""
        ordered = sorted(ticks)
        median = ordered[(len(ordered) - 1) // 2]
        return Latency(
            inferences=len(ordered),
            unit="instructions" if self.emulated else "cycles",
            minimum=self.cost(ordered[0]),
            median=self.cost(median),
            maximum=self.cost(ordered[-1]),
            seconds=None if self.emulated else median / self._tick_hz,
            p95=self.cost(ordered[math.ceil(0.95 * len(ordered)) - 1]),
            clock_hz=clock_hz,
        )
