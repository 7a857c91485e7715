"""The evaluation set of an MLPerf Tiny benchmark: MLCommons' own folder, or an .npz."""

from __future__ import annotations

import csv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError, WrongUse
from pipeline.measure.mlperf import Benchmark, Quality, accuracy, area, wire_bytes
from pipeline.measure.monitor import Monitor
from pipeline.progress import Progress, silent
from pipeline.run import inside, read_limited

TRUTH = "y_labels.csv"
_MOST_BYTES = 1 << 28  # of one file of samples


@dataclass(frozen=True)
class EvaluationSet:
    """Labelled files; each is one input or, for ad01, several whose results are averaged.

    Attributes:
        name: of the file or folder.
        inputs: per file (windows, elements) numbers as the benchmark sends them.
        labels: (files,) class indices.
    """

    name: str
    inputs: tuple[NDArray[Any], ...]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.inputs)


def load_set(path: Path, benchmark: Benchmark, samples: int | None = None) -> EvaluationSet:
    """Reads `y_labels.csv` and its files, or x and y of an .npz.

    Args:
        path: a folder as MLCommons has them, or an .npz. In it x is (files, ...) with one
            input in a file, or (files, windows, elements).
        benchmark: whose set it is.
        samples: only the first so many files.

    Raises:
        DataError: neither of them, no labels, or not what the benchmark sends.
    """
    if path.is_dir():
        inputs, labels = _folder(path, benchmark, samples)
    else:
        inputs, labels = _arrays(path, benchmark, samples)
    if not inputs:
        raise DataError("holds no samples", where=str(path))
    for windows in inputs:
        wire_bytes(benchmark, windows[0])
    return EvaluationSet(path.name, inputs, labels)


def _folder(
    path: Path, benchmark: Benchmark, samples: int | None
) -> tuple[tuple[NDArray[Any], ...], NDArray[np.int64]]:
    dtype = np.dtype(benchmark.form).newbyteorder("<")
    inputs: list[NDArray[Any]] = []
    labels: list[int] = []
    try:
        with (path / TRUTH).open(newline="") as file:
            rows = [row for row in csv.reader(file) if row][:samples]
        for row in rows:
            name, label = row[0].strip(), int(row[2])
            content = read_limited(inside(path, name, path / TRUTH), _MOST_BYTES)
            size, stride = benchmark.input_bytes, benchmark.input_bytes
            if len(row) > 4:  # ad01: bytes of an input, and how far on the next one begins
                size, stride = int(row[3]), int(row[4])
            if size != benchmark.input_bytes or len(content) < size or stride < 1:
                raise DataError(
                    f"{benchmark.id} sends {benchmark.input_bytes} bytes; this does not fit it",
                    where=str(path / name),
                )
            starts = range(0, len(content) - size + 1, stride)
            parts = [np.frombuffer(content[at : at + size], dtype) for at in starts]
            inputs.append(np.stack(parts))
            labels.append(label)
    except (OSError, ValueError, IndexError, WrongUse) as error:
        raise DataError(
            f"can't be read as an evaluation set: {error}",
            where=str(path),
            hint=f"{TRUTH} has lines `file,classes,class`; its files lie beside it",
        ) from error
    return tuple(inputs), np.array(labels, np.int64)


def _arrays(
    path: Path, benchmark: Benchmark, samples: int | None
) -> tuple[tuple[NDArray[Any], ...], NDArray[np.int64]]:
    try:
        with np.load(path, allow_pickle=False) as content:
            x, y = content["x"][:samples], content["y"][:samples]
    except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(
            f"can't be read as an evaluation set: {error}",
            where=str(path),
            hint=f"an .npz with x and y, or a folder with {TRUTH}",
        ) from error
    if y.ndim != 1 or len(x) != len(y) or y.dtype.kind not in "iu":
        raise DataError(f"{len(x)} samples need as many class indices in y", where=str(path))
    if not len(x):
        return (), y.astype(np.int64)
    if x[0].size == 0 or x[0].size % benchmark.elements:
        raise DataError(
            f"a sample of {benchmark.id} has {benchmark.elements} numbers, not {x[0].size}",
            where=str(path),
        )
    windows = x.reshape(len(x), -1, benchmark.elements)
    return tuple(windows), y.astype(np.int64)


def set_accuracy(
    monitor: Monitor, benchmark: Benchmark, data: EvaluationSet, *, progress: Progress = silent
) -> Quality:
    """Top-1 and the area under the curve over the files, a file's results averaged.

    Raises:
        DeviceError, LinkError: the chip refuses, or says nothing.
    """
    counts = [len(windows) for windows in data.inputs]
    flat = [window for windows in data.inputs for window in windows]
    found = accuracy(monitor, benchmark, flat, data.labels.repeat(counts), progress=progress)
    if len(flat) == len(counts):
        return found
    ends = np.cumsum(counts)[:-1]
    rows = np.array([part.mean(0) for part in np.split(found.results, ends)])
    top1 = float(np.mean(rows.argmax(1) == data.labels)) if benchmark.results > 1 else None
    return Quality(rows, top1, area(rows, data.labels))
