"""`mcu measure --compare-layers`: every tensor on the chip beside the reference's, in a run."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.board import load_board
from pipeline.errors import AccuracyGate, DeviceError, WrongUse
from pipeline.measure.layers import LayerCheck, LayerComparison
from pipeline.options import DataOptions
from pipeline.progress import Progress, silent
from pipeline.run import Run
from pipeline.steps.artifacts import PROGRAM, device_of, document, flat_of, samples_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.convert import Tensor


_ROUNDING_STEPS = 3
"""Two interpreters may be this far apart in a tensor without one of them being wrong."""


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


def first_unlike_litert(run: Run, data: DataOptions, sample: int) -> str:
    """The first op of which TFLite Micro and LiteRT disagree beyond rounding; "" for none.

    For where the chip does what the reference does and is wrong all the same.

    Args:
        run: its model is run on the host alone.
        data: samples, of which one is taken.
        sample: which.
    """
    from pipeline.convert import read_graph
    from pipeline.measure.inputs import input_tensors
    from pipeline.measure.reference import Reference

    flat = flat_of(run.path)
    graph = read_graph(flat)
    inputs = input_tensors(graph, samples_of(run, flat, data))[sample : sample + 1]
    wanted = [i for op in graph.ops for i in op.outputs if not graph.tensors[i].variable]
    found = []
    for engines in (None, ("ai-edge-litert",)):
        with Reference(flat.content, inputs, wanted, engines=engines) as reference:
            found.append(reference.tensors())
    micro, lite = found
    if micro is None or lite is None:
        return ""
    for op in graph.ops:
        for i in op.outputs:
            if i in micro and i in lite and _far(graph.tensors[i], micro[i], lite[i]):
                return f"{op.name} {op.layer!r} (op {op.origins[0]})"
    return ""


def _far(t: Tensor, ours: NDArray[Any], theirs: NDArray[Any]) -> bool:
    """Apart by more than an op's rounding."""
    away = np.abs(ours.astype(np.float64).ravel() - theirs.astype(np.float64).ravel())
    if t.dtype == "float32":
        return bool(away.max(initial=0.0) > 1e-3 * np.abs(theirs).max(initial=0.0))
    return bool(away.max(initial=0.0) > _ROUNDING_STEPS)


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
    last = f"layers    {equal} of {len(found.checks) - fused} tensors equal the reference's"
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
            f"the first layer that differs from the reference: {first.different} of "
            f"{first.elements} values, by up to {first.largest:g}",
            where=f"{first.name} {first.layer!r} (op {first.op})",
            hint="what comes before it is right: look at this layer's kernel and constants",
        )
