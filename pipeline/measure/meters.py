"""Meters: Nordic's PPK2 and the Joulescope through their makers' and users' own libraries.

Neither was tried with a device: tests use stand-ins with the libraries' own functions (ppk2-api
0.9, joulescope 1.5).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline import extras
from pipeline.errors import DeviceError, WrongUse
from pipeline.measure.energy import Energy, Trace, energy_of, known_volts, read_trace

METERS = ("ppk2", "joulescope")
_TRACE = "trace:"
_PPK2_HZ = 100_000  # readings a second, fixed
_PPK2_PAUSE_SECONDS = 0.005
# The meter starts before the inferences and ends after them.
_MARGIN_SECONDS = 0.5
_WINDOW_SECONDS = 2.0
_MOST_INFERENCES = 0xFFFF
_MOST_SECONDS = 600.0


class Meter(Protocol):
    """Something that records for a while."""

    def record(self, seconds: float) -> Trace:
        """Records for so long, from now on; blocks."""


@dataclass(frozen=True)
class EnergyOptions:
    """What `--energy` and its companions say.

    Attributes:
        source: "ppk2", "joulescope" or "trace:FILE".
        volts: the supply, where it is not measured.
        window: of a recorded trace, begin and end in its seconds.
        inferences: in that window; None for as many as were measured.
    """

    source: str
    volts: float | None = None
    window: tuple[float, float] | None = None
    inferences: int | None = None

    def __post_init__(self) -> None:
        if self.source not in METERS and not self.source.startswith(_TRACE):
            raise WrongUse(
                f"{self.source!r} is no meter",
                where="--energy",
                hint="ppk2, joulescope, trace:FILE",
            )

    @property
    def recorded(self) -> bool:
        """It is a trace that was recorded before."""
        return self.source.startswith(_TRACE)


def replayed(options: EnergyOptions, inferences: int) -> Energy:
    """Energy from a recorded trace.

    Args:
        inferences: measured in the run that was recorded.
    """
    trace = read_trace(Path(options.source.removeprefix(_TRACE)), options.volts)
    return energy_of(trace, options.inferences or inferences, options.window)


def metered(
    meter: Meter,
    bench: Callable[[int], object],
    seconds_each: float,
    seconds: float = _WINDOW_SECONDS,
) -> Energy:
    """Energy while the board runs inferences for some seconds.

    Args:
        meter: an open one.
        bench: runs so many inferences and returns when they are done.
        seconds_each: of an inference.
        seconds: of inferences.

    Raises:
        DeviceError: the meter gives nothing.
    """
    count = min(max(1, math.ceil(seconds / max(seconds_each, 1e-6))), _MOST_INFERENCES)
    if count * seconds_each > _MOST_SECONDS:
        raise DeviceError(f"an inference takes {seconds_each:g} s: too long for a meter")
    traces: list[Trace] = []
    errors: list[Exception] = []

    def record() -> None:
        try:
            traces.append(meter.record(count * seconds_each * 1.5 + 2 * _MARGIN_SECONDS))
        except Exception as error:  # handed to the thread that waits
            errors.append(error)

    begin = time.monotonic()
    thread = threading.Thread(target=record, daemon=True)
    thread.start()
    time.sleep(_MARGIN_SECONDS)
    first = time.monotonic() - begin
    bench(count)
    last = time.monotonic() - begin
    thread.join()
    if errors:
        raise DeviceError(f"the meter failed: {errors[0]}", where=type(meter).__name__)
    marked = traces[0].marker is not None and bool(traces[0].marker.any())
    return energy_of(traces[0], count, None if marked else (first, last))


def open_meter(options: EnergyOptions) -> Meter:
    """The meter of that name.

    Raises:
        ToolMissing: its library is not installed.
        DeviceError: none is connected.
        DataError: the PPK2 does not measure the voltage, and it was not stated.
    """
    return Ppk2(options.volts) if options.source == "ppk2" else Joulescope()


class Ppk2:
    """Nordic's Power Profiler Kit II in series with the board's supply (ampere meter).

    Its pin D0, wired to the board's time stamp pin, marks the inferences of energy-mode firmware.
    """

    def __init__(self, volts: float | None) -> None:
        self._volts = known_volts(volts, "ppk2")
        api = _library("ppk2_api.ppk2_api", "ppk2").PPK2_API
        found = list(api.list_devices())
        if len(found) != 1:
            raise _not_one("PPK2", len(found))
        port = found[0] if isinstance(found[0], str) else found[0][0]
        self._meter = api(port, timeout=1, write_timeout=1, exclusive=True)
        self._meter.get_modifiers()
        self._meter.use_ampere_meter()
        # also as an ampere meter it wants to know the supply
        self._meter.set_source_voltage(round(1000 * self._volts))
        self._meter.toggle_DUT_power("ON")

    def record(self, seconds: float) -> Trace:
        """Reads what comes until the time is over."""
        amperes: list[float] = []
        marks: list[int] = []
        self._meter.start_measuring()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if data := self._meter.get_data():
                samples, digital = self._meter.get_samples(data)
                amperes += [sample / 1e6 for sample in samples]
                marks += [bits & 1 for bits in digital]
            time.sleep(_PPK2_PAUSE_SECONDS)
        self._meter.stop_measuring()
        times = np.arange(len(amperes)) / _PPK2_HZ
        # The time stamp pin is low for as long as a mark lasts, and else high: a pin that is not
        # wired reads low all the time and marks nothing.
        marker = np.array(marks) == 0 if len(marks) == len(amperes) and any(marks) else None
        return Trace("ppk2", times, np.array(amperes), np.full(len(times), self._volts), marker)


class Joulescope:
    """A JS110 or JS220 between supply and board; it measures both current and voltage."""

    def __init__(self) -> None:
        library = _library("joulescope", "joulescope")
        try:
            self._meter: Any = library.scan_require_one(config="auto")
        except RuntimeError as error:
            raise _not_one("Joulescope", str(error)) from error

    def record(self, seconds: float) -> Trace:
        """Reads for so long without a gap."""
        with self._meter as device:
            data = np.asarray(device.read(contiguous_duration=seconds), np.float64)
        times = np.linspace(0.0, seconds, len(data), endpoint=False, dtype=np.float64)
        good = np.isfinite(data).all(axis=1)
        return Trace("joulescope", times[good], data[good, 0], data[good, 1])


def _library(module: str, extra: str) -> Any:
    return extras.load(module, where=f"--energy {extra}")


def _not_one(name: str, found: object) -> DeviceError:
    return DeviceError(
        f"one {name} is wanted, found: {found}", where="--energy", hint="connect one, and only one"
    )
