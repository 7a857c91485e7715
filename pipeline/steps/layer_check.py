"""`mcu measure --compare-layers`: every tensor on the chip beside the reference's, in a run."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import Any

from pipeline.board import load_board
from pipeline.errors import AccuracyGate, DeviceError, WrongUse
from pipeline.measure.layers import LayerCheck, LayerComparison
from pipeline.options import DataOptions
from pipeline.progress import Progress, silent
from pipeline.run import Run
from pipeline.steps.artifacts import PROGRAM, device_of, document, flat_of, samples_of


def compare_run(
    run: Run,
    data: DataOptions,
    *,
    sample: int = 0,
    port: Any = None,
    named: str = "",
    progress: Progress = silent,
) -> LayerComparison:
    """Runs one sample on a run's device layer by layer.

    Args:
        run: one whose firmware has the aot engine, and was flashed.
        data: samples, of which one is sent.
        sample: which.
        port: an open serial port to use; None opens the device's own.
        named: the device's port, where somebody has named it.
        progress: called once per layer.

    Raises:
        WrongUse: another engine, or no such sample.
        DataError: the sample is not what the model takes.
        DeviceError, LinkError: no board, no answer.
    """
    from pipeline.convert import read_graph
    from pipeline.flash import connect
    from pipeline.measure import Link, Session
    from pipeline.measure.inputs import input_tensors
    from pipeline.measure.layers import compare_layers, ran_from

    layers = ran_from(document(run, PROGRAM, "render")["layers"])
    flat, device = flat_of(run.path), device_of(run, named)
    board, graph = load_board(device.board), read_graph(flat)
    inputs = input_tensors(graph, samples_of(run, flat, data))
    if not 0 <= sample < len(inputs):
        raise WrongUse(f"there is no sample {sample}", hint=f"0 to {len(inputs) - 1}")
    with contextlib.ExitStack() as stack:
        line = port if port is not None else stack.enter_context(connect(device, board))
        link = Link(line, where=device.port or f"{board.id} on {device.on}", symbols=device.elf)
        session = Session(link)
        session.hello()
        session.raise_speed()
        try:
            return compare_layers(session, graph, flat.content, layers, inputs[sample], progress)
        finally:
            with contextlib.suppress(DeviceError):
                session.restore_speed()


def comparison_json(found: LayerComparison) -> dict[str, Any]:
    """For machines."""
    return {
        "first_difference": asdict(found.first) if found.first else None,
        "tensors": [asdict(check) for check in found.checks],
    }


def lines(found: LayerComparison) -> list[str]:
    """For people: one line a tensor that is not equal, and one for all."""
    named = [_line(check) for check in found.checks if check.state != "equal"]
    equal, close, fused = (
        sum(check.state == state for check in found.checks) for state in ("equal", "close", "fused")
    )
    last = f"layers    {equal} of {len(found.checks) - fused} tensors equal TensorFlow Lite Micro's"
    return [*named, last + (f", {close} but for the last bits" if close else "")]


def _line(check: LayerCheck) -> str:
    head = f"  op {check.op:<3} {check.name} {check.layer!r}"
    if check.state == "fused":
        return f"{head}: fused into {check.into}" if check.into else f"{head}: needs no code"
    words = "within the tolerance" if check.state == "close" else "DIFFERENT"
    return (
        f"{head}: {words}: {check.different} of {check.elements} values, by up to {check.largest:g}"
    )


def require_equal(found: LayerComparison) -> None:
    """Raises AccuracyGate that names the first layer that differs."""
    first = found.first
    if first is not None:
        raise AccuracyGate(
            f"the first layer that differs from TensorFlow Lite Micro: {first.different} of "
            f"{first.elements} values, by up to {first.largest:g}",
            where=f"{first.name} {first.layer!r} (op {first.op})",
            hint="what comes before it is right: look at this layer's kernel and constants",
        )
