"""`mcu measure --mlperf`: MLPerf Tiny's rules on a run, and a submission's files in it."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.board import load_board
from pipeline.errors import WrongUse
from pipeline.measure.mlperf import LEAST_SECONDS
from pipeline.options import DataOptions
from pipeline.progress import Progress, silent
from pipeline.resources import VERSION
from pipeline.run import MLPERF, Run, digest, read_json, sha256_file
from pipeline.steps.artifacts import (
    PROGRAM,
    device_json,
    device_of,
    document,
    file_key,
    image_of,
)

if TYPE_CHECKING:
    from pipeline.flash import Device
    from pipeline.measure.mlperf import Benchmark
    from pipeline.measure.mlperf_set import EvaluationSet

FOLDER = MLPERF


def measure_mlperf(
    run: Run,
    data: DataOptions,
    *,
    least_seconds: float = LEAST_SECONDS,
    port: str = "",
    progress: Progress = silent,
) -> dict[str, Any]:
    """Runs the performance and the accuracy mode; writes the run's folder "mlperf".

    A step of the run: on an emulator, whose counts repeat, it is not run again for the same
    firmware, data and windows.

    Args:
        run: one whose firmware was rendered with `mlperf`, and flashed.
        data: an .npz with x and y, or MLCommons' folder of the benchmark; and how many.
        least_seconds: of a performance window. Less than 10 gives no valid result.
        port: the device's port, where somebody has named it.
        progress: called for every window and every sample.

    Returns:
        The JSON document `mlperf.json`.

    Raises:
        WrongUse: the firmware answers as no benchmark.
        DataError: not the benchmark's data.
        DeviceError, LinkError: no board, no answer, a refusal.
    """
    from pipeline.measure.mlperf import benchmark_of
    from pipeline.measure.mlperf_set import load_set

    spec = document(run, PROGRAM, "render").get("mlperf", "")
    if not spec:
        raise WrongUse(
            "the firmware answers as no benchmark of MLPerf Tiny",
            where=str(run.path),
            hint="`mcu deploy MODEL --mlperf kws01` makes one that does",
        )
    benchmark, energy = benchmark_of(spec)
    if energy:
        raise WrongUse(
            "the firmware is in energy mode: it gives its times on a pin",
            where=str(run.path),
            hint=f"`mcu deploy MODEL --mlperf {benchmark.id}` gives them on the line",
        )
    path = Path(data.required())
    if not path.exists():
        raise WrongUse("no such file or folder", where=str(path))
    chosen = load_set(path, benchmark, data.samples)
    device = device_of(run, port)
    emulated = device.on in ("qemu", "renode")

    def make(_: Path) -> dict[str, Any]:
        return _measured(run, device, benchmark, chosen, least_seconds, progress)

    def load(folder: Path) -> dict[str, Any]:
        found: dict[str, Any] = read_json(folder / FOLDER / "mlperf.json")
        return found

    key = digest(
        sha256_file(device.elf),
        device_json(device),
        spec,
        file_key(path),
        data.samples,
        least_seconds,
        0 if emulated else time.time_ns(),
    )
    return run.step(MLPERF, key, (FOLDER,), make, load)


def _measured(
    run: Run,
    device: Device,
    benchmark: Benchmark,
    chosen: EvaluationSet,
    least_seconds: float,
    progress: Progress,
) -> dict[str, Any]:
    from pipeline.flash.flasher import connect, hear_ready
    from pipeline.flash.pretended import emulator_behind
    from pipeline.measure import Link
    from pipeline.measure.mlperf import performance
    from pipeline.measure.mlperf_set import set_accuracy
    from pipeline.measure.submission import (
        EMULATED,
        Logged,
        accuracy_lines,
        performance_lines,
        system_document,
        write_submission,
    )

    image = image_of(run)
    board = load_board(device.board)
    emulator = device.on if device.on in ("qemu", "renode") else emulator_behind(device.port)
    with connect(device, board) as line:
        # An emulated board starts with the connection and greets, a real one answers.
        hear_ready(line, board, ask=device.on in ("probe", "serial"))
        link = Link(line, where=device.port or f"{board.id} on {device.on}", symbols=device.elf)
        monitor = Logged(link)
        monitor.settle()
        windows = [windows[0] for windows in chosen.inputs]
        speed = performance(
            monitor, benchmark, windows, least_seconds=least_seconds, progress=progress
        )
        speed_log = monitor.taken()
        quality = set_accuracy(monitor, benchmark, chosen, progress=progress)
        quality_log = monitor.taken()
    now = datetime.now()
    score = quality.auc if quality.top1 is None else quality.top1
    found = {
        "benchmark": benchmark.id,
        "board": board.id,
        "on": emulator or device.on,
        "latency": not emulator,
        "performance": {
            "inferences": speed.inferences,
            "seconds": speed.seconds,
            "throughput": speed.throughput,
            "valid": not emulator and min(speed.seconds) >= LEAST_SECONDS,
        },
        "accuracy": {
            "set": chosen.name,
            "samples": len(chosen),
            "top1": quality.top1,
            "auc": quality.auc,
            "target": benchmark.target,
            "reached": score is not None and score >= benchmark.target,
        },
        "firmware_sha256": sha256_file(device.elf),
        "folder": FOLDER,
    }
    software = {**image.environment, "mcu-pipeline": VERSION}
    write_submission(
        run.path / FOLDER,
        system=f"{board.id}_{emulator}" if emulator else board.id,
        benchmark=benchmark,
        description=system_document(board, software, emulator=emulator),
        parts={
            "performance": (performance_lines(speed, now), speed_log),
            "accuracy": (accuracy_lines(quality, chosen.labels, now), quality_log),
        },
        document=found,
        warning=EMULATED if emulator else "",
    )
    return found
