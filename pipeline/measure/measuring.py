"""measure: a device and samples -> what the chip did with them."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.board import Board
from pipeline.convert import Graph, read_graph
from pipeline.convert.statistics import macs
from pipeline.errors import DeviceError, WrongUse
from pipeline.flash import Device, connect
from pipeline.flash.pretended import emulator_behind
from pipeline.load import Dataset, FlatModel
from pipeline.measure.clock import Clock, measured_hz, stamp
from pipeline.measure.energy import Energy
from pipeline.measure.firmware import total_bytes
from pipeline.measure.inputs import input_tensors
from pipeline.measure.link import Link
from pipeline.measure.measurement import Accuracy, LayerCost, Measurement, Memory
from pipeline.measure.meters import EnergyOptions, metered, open_meter, replayed
from pipeline.measure.reference import Reference
from pipeline.measure.scores import Task, difference, scores, task_of, top_k_of
from pipeline.measure.session import Session
from pipeline.measure.truth.plan import Ruling
from pipeline.measure.verdict import largest_ulps, verdict_of
from pipeline.progress import Progress, silent

_MOST_DIFFERENT = 100
_MOST_PARTS = 16  # layers that one operator is taken apart into
_PROGRESS_SECONDS = 0.1
_LEAST_PATIENCE, _MOST_PATIENCE, _SECONDS_A_MAC = 20.0, 900.0, 5e-6


def measure(
    device: Device,
    board: Board,
    model: FlatModel,
    data: Dataset,
    *,
    samples: int | None = None,
    port: Any = None,
    silence: float | None = None,
    task: str = "auto",
    energy: EnergyOptions | None = None,
    progress: Progress = silent,
) -> Measurement:
    """Sends samples to the chip; reads back outputs, cost, layers and memory.

    One inference, layer by layer, comes first: it warms caches up and tells how long an
    inference is. The reference interpreter runs the same samples beside.

    Args:
        device: what `flash` gave.
        board: its board.
        model: the model that the firmware holds.
        data: samples, and labels where accuracy is wanted.
        samples: only the first so many.
        port: an open serial port to use; None opens the device's own.
        silence: seconds the chip may compute before its first answer; None: by the model's size.
        task: what the answers are judged as: "classification", "anomaly", "regression",
            "none"; "auto" goes by the labels.
        energy: the meter, or a trace of it that was recorded.
        progress: called about ten times a second.

    Raises:
        DataError: the samples are not what the model takes.
        DeviceError: no board, no answer, another model on the board.
        FirmwareCrashed: the firmware reported a fault.
    """
    graph = read_graph(model)
    chosen = data if samples is None else data.take(samples)
    inputs = input_tensors(graph, chosen)
    kind = task_of(graph, chosen, task)
    total = len(inputs)
    progress("measure", 0, total, f"connecting to {board.id} on {device.on}")
    with Reference(model.content, inputs) as reference, _opened(device, board, port) as line:
        link = Link(line, where=device.port or f"{board.id} on {device.on}", symbols=device.elf)
        session = Session(link, silence=silence or patience_for(graph))
        firmware = session.hello()
        emulator = emulator_behind(device.port)
        if emulator:
            firmware["emulator"] = emulator
        _check_model(firmware, model, graph, link.where)
        session.raise_speed()
        try:
            layers = session.profile() or session.bench(1)[:0]
            clock = Clock(emulator or device.on, firmware)
            begin = None if clock.emulated else stamp(link)
            ticks, rows = _infer_all(session, inputs, progress)
            hertz = measured_hz(link, clock.nominal_hz, begin)
            spent = _energy(energy, clock, session, ticks, firmware, progress)
            state = session.state()
            statistics = session.stats
        finally:
            with contextlib.suppress(DeviceError):
                session.restore_speed()
        progress("measure", total, total, "comparing with the reference")
        expected = reference.outputs()
        told = _Told(reference.name, reference.reason, reference.rulings)
    raw = np.frombuffer(b"".join(rows), np.uint8).reshape(total, -1)
    return Measurement(
        latency=clock.latency(ticks, hertz),
        accuracy=_accuracy(graph, chosen, kind, raw, expected, told),
        memory=Memory(state.stack_peak_bytes, state.stack_bytes),
        layers=tuple(LayerCost(i, clock.cost(t)) for i, t in enumerate(layers)),
        outputs=_as_tensor(graph, raw),
        firmware=firmware,
        link=asdict(statistics),
        energy=spent,
        data={"name": chosen.name, "sha256": _sum(inputs, chosen)},
    )


def _sum(inputs: NDArray[Any], data: Dataset) -> str:
    """SHA-256 of what is sent and of what it is judged by."""
    found = hashlib.sha256(inputs.tobytes())
    for labels in (data.y, data.targets):
        found.update(b"-" if labels is None else labels.tobytes())
    return found.hexdigest()


def _energy(
    options: EnergyOptions | None,
    clock: Clock,
    session: Session,
    ticks: list[int],
    firmware: dict[str, str],
    progress: Progress,
) -> Energy | None:
    if options is None:
        return None
    if options.recorded:
        return replayed(options, len(ticks))
    if clock.emulated:
        raise WrongUse(
            "an emulator takes no current",
            where=f"--energy {options.source}",
            hint="measure on a board, or give a trace recorded there: --energy trace:FILE",
        )
    progress("measure", 0, 0, f"energy by {options.source}")
    return metered(
        open_meter(options),
        session.bench,
        sorted(ticks)[len(ticks) // 2] / int(firmware["tick_hz"]),
    )


def patience_for(graph: Graph) -> float:
    """Seconds an inference may take where nothing is known of the chip.

    An AVR at 16 MHz and an emulator on a busy machine take some microseconds a multiplication.
    """
    work = sum(macs(graph, op) for op in graph.ops)
    return min(_LEAST_PATIENCE + work * _SECONDS_A_MAC, _MOST_PATIENCE)


@contextlib.contextmanager
def _opened(device: Device, board: Board, port: Any) -> Iterator[Any]:
    if port is not None:
        yield port
        return
    with connect(device, board) as opened:
        yield opened


def _check_model(firmware: dict[str, str], model: FlatModel, graph: Graph, where: str) -> None:
    if firmware.get("sha256") != model.sha256:
        raise DeviceError(
            f"the board holds another model: {firmware.get('model')} "
            f"(SHA-256 {firmware.get('sha256', '')[:12]}), not {model.name} ({model.sha256[:12]})",
            where=where,
            hint="`mcu flash` puts this model's firmware there",
        )
    for kind, indices in (("input", graph.inputs), ("output", graph.outputs)):
        wanted = sum(_tensor_bytes(graph, index) for index in indices)
        there = total_bytes(firmware, kind)
        if there != wanted:
            raise DeviceError(
                f"the firmware's {kind} has {there} bytes, the model's {wanted}", where=where
            )
    layers = int(firmware["layers"])
    if layers > _MOST_PARTS * (len(graph.ops) + _MOST_PARTS):
        raise DeviceError(
            f"the firmware has {layers} layers, the model {len(graph.ops)} operators", where=where
        )


def _tensor_bytes(graph: Graph, index: int) -> int:
    tensor = graph.tensors[index]
    return int(np.prod(tensor.shape, dtype=int)) * np.dtype(tensor.dtype).itemsize


def _infer_all(
    session: Session, inputs: NDArray[Any], progress: Progress
) -> tuple[list[int], list[bytes]]:
    ticks: list[int] = []
    rows: list[bytes] = []
    told = 0.0
    for i, answer in enumerate(session.infer_all(sample.tobytes() for sample in inputs)):
        ticks.append(answer.ticks)
        rows.append(answer.output)
        if time.monotonic() - told > _PROGRESS_SECONDS:
            told = time.monotonic()
            progress("measure", i + 1, len(inputs), "samples")
    return ticks, rows


def _first_output(graph: Graph, raw: NDArray[np.uint8]) -> NDArray[Any]:
    """(n, elements) of the first output tensor."""
    index = graph.outputs[0]
    part = np.ascontiguousarray(raw[:, : _tensor_bytes(graph, index)])
    return part.view(np.dtype(graph.tensors[index].dtype))


def _as_tensor(graph: Graph, raw: NDArray[np.uint8]) -> NDArray[Any]:
    """All outputs in the model's own type; bytes where the outputs differ in type."""
    types = {graph.tensors[index].dtype for index in graph.outputs}
    return raw.view(np.dtype(types.pop())) if len(types) == 1 else raw


@dataclass(frozen=True)
class _Told:
    """What the reference says of itself."""

    name: str
    reason: str
    rulings: tuple[Ruling, ...]


def _accuracy(
    graph: Graph,
    data: Dataset,
    task: Task,
    raw: NDArray[np.uint8],
    expected: NDArray[np.uint8] | None,
    told: _Told,
) -> Accuracy:
    ours = _first_output(graph, raw)
    theirs = None if expected is None else _first_output(graph, expected)
    on_device = scores(task, graph, data, ours)
    on_host = None if theirs is None else scores(task, graph, data, theirs)
    steps, real = (None, None) if theirs is None else difference(graph, ours, theirs)
    floats = theirs is not None and ours.dtype == np.float32
    ulps = largest_ulps(ours, theirs) if theirs is not None and floats else None
    different = () if expected is None else np.flatnonzero(np.any(raw != expected, axis=1))
    return Accuracy(
        samples=len(raw),
        device=on_device.top1 if on_device else None,
        host=on_host.top1 if on_host else None,
        identical_outputs=None if expected is None else len(raw) - len(different),
        reference=told.name,
        different=tuple(int(i) for i in different[:_MOST_DIFFERENT]),
        task=task,
        k=top_k_of(task, graph),
        on_device=on_device,
        on_host=on_host,
        largest_steps=steps,
        largest_difference=real,
        largest_ulps=ulps,
        reference_reason=told.reason,
        rulings=told.rulings,
        verdict="none"
        if expected is None
        else verdict_of(graph, told.reason, len(different) == 0, steps, ulps),
    )
