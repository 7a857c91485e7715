"""Measurement <-> measurement.json and outputs.npy."""

from __future__ import annotations

import io
import re
from dataclasses import asdict, dataclass, field
from dataclasses import fields as dataclass_fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StepFailed, WrongUse
from pipeline.measure.energy import Energy
from pipeline.measure.measurement import Accuracy, Latency, LayerCost, Measurement, Memory
from pipeline.run import (
    Damaged,
    decode,
    read_json,
    read_limited,
    write_atomically,
    write_json,
)

DOCUMENT, OUTPUTS = "measurement.json", "outputs.npy"
_MOST_OUTPUTS = 1 << 30
# As numpy.save writes it; its own reader takes the head for a Python expression.
_HEAD = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<|][iuf][1248])', 'fortran_order': False, "
    rb"'shape': \((\d{1,9}), (\d{1,9})\), \} *\n",
    re.DOTALL,
)


def save_measurement(found: Measurement, folder: Path) -> None:
    """Writes both files into a folder."""
    outputs = io.BytesIO()
    np.save(outputs, found.outputs, allow_pickle=False)
    document = asdict(found)
    document.pop("outputs")
    write_atomically(folder / OUTPUTS, outputs.getvalue())
    write_json(folder / DOCUMENT, document)


@dataclass(frozen=True)
class _Document:
    """measurement.json: a `Measurement` without its outputs."""

    latency: Latency
    accuracy: Accuracy
    memory: Memory
    layers: tuple[LayerCost, ...]
    firmware: dict[str, str]
    link: dict[str, int]
    data: dict[str, str] = field(default_factory=dict)
    energy: Energy | None = None


def load_measurement(folder: Path) -> Measurement:
    """Reads them back.

    Raises:
        StepFailed: a file is missing or broken.
    """
    try:
        found = decode(_Document, read_json(folder / DOCUMENT))
        fields = {f.name: getattr(found, f.name) for f in dataclass_fields(found)}
        return Measurement(outputs=_outputs(folder / OUTPUTS), **fields)
    except (Damaged, OSError, WrongUse) as error:
        raise StepFailed(
            f"can't be read as a measurement ({error})",
            where=str(folder / DOCUMENT),
            hint="`mcu measure` writes it",
        ) from error


def _outputs(path: Path) -> NDArray[np.generic]:
    """outputs.npy: plain numbers in rows, as many as its head says."""
    content = read_limited(path, _MOST_OUTPUTS, follow=False)
    head = _HEAD.match(content)
    if head is None:
        raise Damaged(f"{path.name} holds no rows of numbers")
    kind, rows, columns = np.dtype(head[1].decode()), int(head[2]), int(head[3])
    if rows * columns * kind.itemsize != len(content) - head.end():
        raise Damaged(f"{path.name} is cut off")
    return np.frombuffer(content, kind, rows * columns, head.end()).reshape(rows, columns)
