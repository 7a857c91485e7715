"""The step `measure`: a device and samples -> measurement.json and outputs.npy."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.board import load_board
from pipeline.options import DataOptions
from pipeline.progress import Progress, silent
from pipeline.run import Run, digest, sha256_file
from pipeline.steps.alarm import examined
from pipeline.steps.artifacts import (
    FACTS,
    MEASUREMENT,
    OUTPUTS,
    device_json,
    document,
    flat_of,
    samples_of,
)
from pipeline.steps.keys import now_unless

if TYPE_CHECKING:
    from pipeline.flash import Device
    from pipeline.measure import Measurement
    from pipeline.measure.meters import EnergyOptions

# Goes up when a measurement holds more than before: then an older one is made anew.
_MEASUREMENT = 3


def measure(
    run: Run,
    device: Device,
    data: DataOptions,
    *,
    task: str = "auto",
    energy: EnergyOptions | None = None,
    progress: Progress = silent,
) -> Measurement:
    """A device and samples -> measurement.json and outputs.npy.

    Args:
        task: what the answers are judged as; "auto" goes by the labels.
        energy: meter or recorded trace.
    """
    from pipeline.measure import load_measurement, save_measurement
    from pipeline.measure import measure as measure_device

    data.required()
    facts = document(run, FACTS, "quantize")
    flat = flat_of(run.path)

    def make(folder: Path) -> Measurement:
        chosen = samples_of(run, flat, data)
        board = load_board(device.board)
        found = measure_device(
            device, board, flat, chosen, task=task, energy=energy, progress=progress
        )
        accuracy = examined(run, found.accuracy, facts, data, progress=progress)
        found = replace(found, accuracy=accuracy)
        save_measurement(found, folder)
        return found

    key = digest(
        sha256_file(device.elf),
        device_json(device),
        flat.sha256,
        facts,
        data.key(),
        data.samples,
        _MEASUREMENT,
        task,
        _energy_key(energy),
        now_unless(device.on in ("qemu", "renode")),
    )
    return run.step("measure", key, (MEASUREMENT, OUTPUTS), make, load_measurement)


def _energy_key(energy: EnergyOptions | None) -> list[object]:
    """What decides a recorded trace's energy; a meter's is another each time."""
    if energy is None:
        return []
    if not energy.recorded:
        return [asdict(energy), time.time_ns()]
    trace = Path(energy.source.removeprefix("trace:"))
    return [asdict(energy), sha256_file(trace) if trace.is_file() else ""]
