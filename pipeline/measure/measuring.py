"""measure: a device and samples -> what the chip did with them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.board import Board
from pipeline.convert import Graph, read_graph
from pipeline.errors import DeviceError
from pipeline.flash import Device, connect
from pipeline.load import Dataset, FlatModel
from pipeline.measure.inputs import input_tensors, predicted
from pipeline.measure.link import Link
from pipeline.measure.measurement import Accuracy, Latency, LayerCost, Measurement, Memory
from pipeline.measure.reference import Reference
from pipeline.measure.session import Session
from pipeline.progress import Progress, silent

_MOST_DIFFERENT = 100
_PROGRESS_SECONDS = 0.1


def measure(
    device: Device,
    board: Board,
    model: FlatModel,
    data: Dataset,
    *,
    samples: int | None = None,
    port: Any = None,
    silence: float = 60.0,
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
        silence: seconds the chip may compute before its first answer.
        progress: called about ten times a second.

    Raises:
        DataError: the samples are not what the model takes.
        DeviceError: no board, no answer, another model on the board.
        FirmwareCrashed: the firmware reported a fault.
    """
    graph = read_graph(model)
    chosen = data if samples is None else data.take(samples)
    inputs = input_tensors(graph, chosen)
    total = len(inputs)
    progress("measure", 0, total, f"connecting to {board.id} on {device.on}")
    with Reference(model.content, inputs) as reference, _opened(device, board, port) as line:
        link = Link(line, where=device.port or f"{board.id} on {device.on}", symbols=device.elf)
        session = Session(link, silence=silence)
        firmware = session.hello()
        _check_model(firmware, model, graph, link.where)
        session.raise_speed()
        try:
            layers = session.profile() or session.bench(1)[:0]
            ticks, rows = _infer_all(session, inputs, progress)
            state = session.state()
            statistics = session.stats
        finally:
            with contextlib.suppress(DeviceError):
                session.restore_speed()
        progress("measure", total, total, "comparing with the reference")
        expected = reference.outputs()
        reference_name = reference.name
    raw = np.frombuffer(b"".join(rows), np.uint8).reshape(total, -1)
    clock = _Clock(device, firmware)
    return Measurement(
        latency=clock.latency(ticks),
        accuracy=_accuracy(graph, chosen, raw, expected, reference_name),
        memory=Memory(state.stack_peak_bytes, state.stack_bytes),
        layers=tuple(LayerCost(i, clock.cost(t)) for i, t in enumerate(layers)),
        outputs=_as_tensor(graph, raw),
        firmware=firmware,
        link=asdict(statistics),
    )


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
    wanted = sum(_tensor_bytes(graph, index) for index in graph.inputs)
    there = int(firmware.get("input0", "? bytes=0").split("bytes=")[1].split()[0])
    if there != wanted:
        raise DeviceError(
            f"the firmware's input has {there} bytes, the model's {wanted}", where=where
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


class _Clock:
    """Ticks of the chip's counter -> instructions on an emulator, cycles on a board."""

    def __init__(self, device: Device, firmware: dict[str, str]) -> None:
        self._tick_hz = int(firmware["tick_hz"])
        self._emulated = device.on in ("qemu", "renode")
        # QEMU runs with -icount shift=0: an instruction is a nanosecond of its time.
        self._hz = 1_000_000_000 if self._emulated else int(firmware["clock_hz"])

    def cost(self, ticks: int) -> int:
        return (ticks * self._hz + self._tick_hz // 2) // self._tick_hz

    def latency(self, ticks: list[int]) -> Latency:
        ordered = sorted(ticks)
        median = ordered[(len(ordered) - 1) // 2]
        return Latency(
            inferences=len(ordered),
            unit="instructions" if self._emulated else "cycles",
            minimum=self.cost(ordered[0]),
            median=self.cost(median),
            maximum=self.cost(ordered[-1]),
            seconds=None if self._emulated else median / self._tick_hz,
        )


def _first_output(graph: Graph, raw: NDArray[np.uint8]) -> NDArray[Any]:
    """(n, elements) of the first output tensor."""
    index = graph.outputs[0]
    part = np.ascontiguousarray(raw[:, : _tensor_bytes(graph, index)])
    return part.view(np.dtype(graph.tensors[index].dtype))


def _as_tensor(graph: Graph, raw: NDArray[np.uint8]) -> NDArray[Any]:
    """All outputs in the model's own type; bytes where the outputs differ in type."""
    types = {graph.tensors[index].dtype for index in graph.outputs}
    return raw.view(np.dtype(types.pop())) if len(types) == 1 else raw


def _accuracy(
    graph: Graph,
    data: Dataset,
    raw: NDArray[np.uint8],
    expected: NDArray[np.uint8] | None,
    reference: str,
) -> Accuracy:
    def share_right(outputs: NDArray[np.uint8] | None) -> float | None:
        if data.y is None or outputs is None:
            return None
        answers = predicted(_first_output(graph, outputs), graph.tensors[graph.outputs[0]])
        return float(np.mean(answers == data.y))

    different = () if expected is None else np.flatnonzero(np.any(raw != expected, axis=1))
    return Accuracy(
        samples=len(raw),
        device=share_right(raw),
        host=share_right(expected),
        identical_outputs=None if expected is None else len(raw) - len(different),
        reference=reference,
        different=tuple(int(i) for i in different[:_MOST_DIFFERENT]),
    )
