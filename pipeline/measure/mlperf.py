"""MLPerf Tiny's performance and accuracy modes, by its own commands, from our side.

The rules are those of MLCommons' benchmark/runner: performance is the median throughput of
five windows of at least ten seconds each by the chip's clock, accuracy is top-1 and the area
under the ROC curve over the set. https://github.com/mlcommons/tiny
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, DeviceError, WrongUse
from pipeline.measure.monitor import Monitor
from pipeline.measure.roc import area_under_curve
from pipeline.progress import Progress, silent

WINDOWS = 5
LEAST_SECONDS = 10.0
_MARGIN = 1.05
_MOST_INFERENCES = 999_999_999  # that the firmware takes in a command


@dataclass(frozen=True)
class Benchmark:
    """One of MLPerf Tiny's benchmarks.

    Attributes:
        id: the model id the firmware answers to `profile`.
        form: how inputs are sent: the int8 tensor, pixels 0..255, or float32.
        elements: numbers in an input.
        results: numbers in a result vector.
        warmups: inferences before a window.
        folder: the benchmark's name in a submission.
        target: what the closed division asks for: top-1, for ad01 the area under the curve.
    """

    id: str
    form: Literal["int8", "uint8", "float32"]
    elements: int
    results: int
    warmups: int
    folder: str
    target: float

    @property
    def input_bytes(self) -> int:
        """Bytes of `db load`."""
        return self.elements * np.dtype(self.form).itemsize

    @property
    def defines(self) -> dict[str, int | str]:
        """Macros that make the firmware's monitor answer as this benchmark wants."""
        return {"MONITOR_MODEL_ID": self.id, "MONITOR_DB_BYTES": self.input_bytes}


BENCHMARKS = {
    benchmark.id: benchmark
    for benchmark in (
        Benchmark("kws01", "int8", 490, 12, 10, "kws", 0.90),
        Benchmark("ic01", "uint8", 32 * 32 * 3, 10, 5, "ic", 0.85),
        Benchmark("vww01", "uint8", 96 * 96 * 3, 2, 5, "vww", 0.80),
        Benchmark("ad01", "float32", 640, 1, 10, "ad", 0.85),
    )
}


ENERGY = "energy"


def benchmark_of(spec: str) -> tuple[Benchmark, bool]:
    """What "kws01" or "kws01:energy" stands for: the benchmark, and whether in energy mode.

    Raises:
        WrongUse: there is no such benchmark or mode.
    """
    name, _, mode = spec.partition(":")
    if name not in BENCHMARKS or mode not in ("", ENERGY):
        known = ", ".join(BENCHMARKS)
        raise WrongUse(
            f"{spec!r} is not known", where="--mlperf", hint=f"{known}, or {name or 'ID'}:{ENERGY}"
        )
    return BENCHMARKS[name], mode == ENERGY


@dataclass(frozen=True)
class Performance:
    """Inferences and seconds (by the chip's clock) of each window; inferences per second."""

    inferences: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def throughput(self) -> float:
        """The median of the windows' throughputs."""
        pairs = zip(self.inferences, self.seconds, strict=True)
        return statistics.median(count / seconds for count, seconds in pairs)


@dataclass(frozen=True)
class Quality:
    """Result vectors (n, results); top-1 0..1, None for a single value; area under the curve."""

    results: NDArray[np.float64]
    top1: float | None
    auc: float | None


def wire_bytes(benchmark: Benchmark, sample: NDArray[Any]) -> bytes:
    """A sample as the benchmark sends it; int8 tensors of pixels get their 128 back.

    Raises:
        DataError: of another size or type.
    """
    if sample.size != benchmark.elements:
        raise DataError(
            f"a sample of {benchmark.id} has {benchmark.elements} numbers, not {sample.size}"
        )
    if benchmark.form == "float32":
        return sample.astype("<f4").tobytes()
    if sample.dtype == np.int8 and benchmark.form == "uint8":
        return (sample.astype(np.int16) + 128).astype(np.uint8).tobytes()
    if sample.dtype != np.dtype(benchmark.form):
        raise DataError(f"{benchmark.id} takes {benchmark.form}, not {sample.dtype.name}")
    return sample.tobytes()


def performance(
    monitor: Monitor,
    benchmark: Benchmark,
    samples: Sequence[NDArray[Any]],
    *,
    least_seconds: float = LEAST_SECONDS,
    timeout: float = 600.0,
    progress: Progress = silent,
) -> Performance:
    """Five windows, each over another sample and long enough.

    A first, short window tells how many inferences a long one takes.

    Raises:
        DeviceError, LinkError: the chip refuses, or says nothing.
    """
    check_model(monitor, benchmark)
    monitor.load(wire_bytes(benchmark, samples[0]))
    microseconds, _ = monitor.infer(10, benchmark.warmups, timeout)
    count = max(10, int(least_seconds * 1e6 * 10 / max(microseconds, 1) * _MARGIN) + 1)
    if count > _MOST_INFERENCES:
        raise DeviceError(f"ten inferences took {microseconds} us by the board's clock")
    inferences, seconds = [], []
    for window in range(WINDOWS):
        progress("measure", window, WINDOWS, f"{count} inferences")
        monitor.load(wire_bytes(benchmark, samples[window % len(samples)]))
        microseconds, _ = monitor.infer(count, benchmark.warmups, timeout)
        inferences.append(count)
        seconds.append(microseconds / 1e6)
    if min(seconds) <= 0:
        raise DeviceError(f"the board's clock stands still over {count} inferences")
    if min(seconds) < least_seconds:
        raise DeviceError(
            f"a window took {min(seconds):.2f} s, less than {least_seconds:g} s",
            hint="the time of an inference varies: measure again",
        )
    return Performance(tuple(inferences), tuple(seconds))


def accuracy(
    monitor: Monitor,
    benchmark: Benchmark,
    samples: Sequence[NDArray[Any]],
    labels: NDArray[np.int64],
    *,
    progress: Progress = silent,
) -> Quality:
    """One inference for each sample.

    Raises:
        DeviceError, LinkError: the chip refuses, or says nothing.
    """
    check_model(monitor, benchmark)
    rows = []
    for i, sample in enumerate(samples):
        monitor.load(wire_bytes(benchmark, sample))
        _, result = monitor.infer(1, 0)
        if len(result) != benchmark.results:
            raise DeviceError(
                f"{benchmark.id} answers {benchmark.results} values, the board {len(result)}"
            )
        if not np.isfinite(result).all():
            raise DeviceError(f"the board answers {result}")
        rows.append(result)
        progress("measure", i + 1, len(samples), benchmark.id)
    results = np.array(rows, np.float64)
    top1 = float(np.mean(results.argmax(1) == labels)) if benchmark.results > 1 else None
    return Quality(results, top1, area(results, labels))


def check_model(monitor: Monitor, benchmark: Benchmark) -> None:
    """Raises DeviceError where the board holds another model."""
    found = monitor.model_id()
    if found != benchmark.id:
        raise DeviceError(
            f"the board holds {found!r}, not {benchmark.id!r}",
            hint=f"`mcu deploy MODEL --mlperf {benchmark.id}` makes the firmware",
        )


def area(results: NDArray[np.float64], labels: NDArray[np.int64]) -> float | None:
    """The area under the curve as the benchmark has it: result vectors made to sum to 1."""
    if results.shape[1] == 1:
        return area_under_curve(results, labels)
    sums = results.sum(axis=1, keepdims=True)
    return area_under_curve(results / np.where(sums == 0, 1, sums), labels)
