"""compare_layers: every tensor on the chip beside the reference's, layer by layer.

Outputs that differ say that something is wrong, not where; and a SOFTMAX at the end hides
most of it. Here the chip stops after each layer, and what the layer wrote is read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.convert import Graph, Op, Tensor
from pipeline.errors import DeviceError, StepFailed, WrongUse
from pipeline.measure.reference import Reference
from pipeline.measure.session import Session
from pipeline.progress import Progress, silent

TOLERANCE = 1e-4
"""Of a float tensor's largest magnitude: less counts as equal."""


@dataclass(frozen=True)
class Held:
    """A tensor of the model as a layer leaves it in the chip's memory.

    Attributes:
        tensor: index in the model file.
        offset, size: bytes of the activation memory.
        kept: places along its last dimension that are there; None where all are.
    """

    tensor: int
    offset: int
    size: int
    kept: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Ran:
    """A layer of the program: its number on the chip, and what it wrote."""

    index: int
    origins: tuple[int, ...]
    outputs: tuple[Held, ...]


@dataclass(frozen=True)
class LayerCheck:
    """What became of one tensor of the model.

    Attributes:
        op: index of the op in the model file that writes it.
        name, layer: the op's, as in the model file.
        tensor: index in the model file.
        state: "equal"; "close", a float tensor within the tolerance; "different"; "fused",
            it does not exist on the chip.
        elements: values compared.
        different: how many differ.
        largest: by how much at most, in stored units.
        into: the op that does the work of a fused one; "" if none does.
    """

    op: int
    name: str
    layer: str
    tensor: int
    state: str
    elements: int = 0
    different: int = 0
    largest: float = 0.0
    into: str = ""


@dataclass(frozen=True)
class LayerComparison:
    """All tensors, in the model's order of execution."""

    checks: tuple[LayerCheck, ...]

    @property
    def first(self) -> LayerCheck | None:
        """The first tensor that differs."""
        return next((c for c in self.checks if c.state == "different"), None)


def ran_from(layers: Sequence[dict[str, Any]]) -> tuple[Ran, ...]:
    """The layers of program.json.

    Raises:
        WrongUse: they don't say where tensors are: another engine, or an old run.
    """
    if not layers or any("outputs" not in layer for layer in layers):
        raise WrongUse(
            "the firmware has no layers to compare",
            where="--compare-layers",
            hint="render again with --engine aot",
        )
    return tuple(
        Ran(
            layer["index"],
            tuple(layer["origins"]),
            tuple(
                Held(o["tensor"], o["offset"], o["size"], o["kept"] and tuple(o["kept"]))
                for o in layer["outputs"]
            ),
        )
        for layer in layers
    )


def compare_layers(
    session: Session,
    graph: Graph,
    content: bytes,
    layers: Sequence[Ran],
    sample: NDArray[Any],
    progress: Progress = silent,
) -> LayerComparison:
    """Runs one inference on the chip layer by layer, and compares what each layer leaves.

    Args:
        session: with the chip, after `hello`.
        graph: the model as read from its file, before any pass.
        content: the file.
        layers: the program's.
        sample: one input tensor, without the batch.
        progress: called once per layer.

    Raises:
        DeviceError: no answer, or an engine that can't stop after a layer.
        StepFailed: the reference does not run the model.
    """
    if int(session.info.get("layers", 0)) != len(layers):
        raise DeviceError(
            f"the firmware has {session.info.get('layers')} layers, the run's program "
            f"{len(layers)}",
            hint="`mcu flash` puts this run's firmware there",
        )
    held = {h.tensor: h for layer in layers for h in layer.outputs}
    inputs = sample[np.newaxis]
    with Reference(content, inputs, held) as reference:
        stepper = session.stepper()
        stepper.begin(sample.tobytes())
        found: dict[int, bytes] = {}
        for layer in layers:
            progress("compare", layer.index, len(layers), f"layer {layer.index}")
            stepper.run(layer.index + 1)
            for h in layer.outputs:
                found[h.tensor] = stepper.read(h.offset, h.size)
        expected = reference.tensors()
        if expected is None or reference.reason:
            raise StepFailed(
                reference.reason or f"no reference runs the model: {reference.name}",
                hint="pip install --pre tflite-micro",
            )
    doing = {origin: layer for layer in layers for origin in layer.origins}
    checks = []
    for op in graph.ops:
        for index in op.outputs:
            t = graph.tensors[index]
            if index in held:
                checks.append(_check(op, t, held[index], found[index], expected[index]))
            elif not t.variable:
                into = _into(graph, doing.get(op.index))
                checks.append(LayerCheck(op.index, op.name, op.layer, index, "fused", into=into))
    progress("compare", len(layers), len(layers))
    return LayerComparison(tuple(checks))


def _check(op: Op, t: Tensor, held: Held, raw: bytes, theirs: NDArray[Any]) -> LayerCheck:
    kind = np.dtype(t.dtype)
    if len(raw) % kind.itemsize:
        raise DeviceError(f"{len(raw)} bytes of {op.name} {op.layer!r} came, expected {held.size}")
    ours = np.frombuffer(raw, kind)
    wanted = np.ascontiguousarray(theirs).astype(kind, copy=False).reshape(-1)
    if held.kept is not None:
        channels = wanted.size * len(held.kept) // (held.size // kind.itemsize)
        wanted = wanted.reshape(-1, channels)[:, list(held.kept)].reshape(-1)
    if len(ours) != len(wanted):
        raise DeviceError(
            f"{len(ours)} values of {op.name} {op.layer!r} came, expected {len(wanted)}"
        )
    integer = kind.kind in "iub"
    away = np.abs(ours.astype(np.float64) - wanted.astype(np.float64))
    both = ours.tobytes() == wanted.tobytes()
    largest = float(np.max(away, initial=0.0))
    state = "equal" if both else "different"
    if not both and not integer:
        bound = TOLERANCE * float(np.abs(wanted).max(initial=0.0))
        state = "close" if largest <= bound else "different"
    return LayerCheck(
        op=op.index,
        name=op.name,
        layer=op.layer,
        tensor=t.index,
        state=state,
        elements=len(ours),
        different=int(np.count_nonzero(ours != wanted)),
        largest=largest,
    )


def _into(graph: Graph, layer: Ran | None) -> str:
    if layer is None or not layer.origins:
        return ""
    op = graph.ops[layer.origins[-1]]
    return f"{op.name} {op.layer!r}"
