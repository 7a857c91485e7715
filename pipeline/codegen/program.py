"""Program: the C the aot engine consists of for one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Optimize = Literal["size", "speed", "balanced"]


@dataclass(frozen=True)
class Output:
    """A tensor of the model file, right after the layer that writes it.

    Attributes:
        tensor: index in the model file.
        offset, size: bytes of the arena.
        kept: places along its last dimension that are left; None where all are.
    """

    tensor: int
    offset: int
    size: int
    kept: tuple[int, ...] | None


@dataclass(frozen=True)
class Layer:
    """What became of one op of the model, or of several that were fused.

    Attributes:
        index: position in the program's order of execution; the chip's layer number.
        op: TFLite's builtin name.
        name: a person's name for the layer.
        macs: multiply-accumulates of the dense layer, per inference.
        kernel: the kernel function that runs it.
        encoding: how its weights are stored ("dense", "bitmap", ..., "" without weights).
        weight_bytes: flash bytes of its weights and per-channel constants.
        estimate: instructions per inference by the kernel's cost model, uncalibrated.
        elements: values of its outputs.
        variant: the candidate that was taken, by its name among an op's kernels.
        origins: the ops of the model file whose work it does.
        outputs: what it writes, where that is a tensor of the model file.
    """

    index: int
    op: str
    name: str
    macs: int
    kernel: str
    encoding: str = ""
    weight_bytes: int = 0
    estimate: int = 0
    elements: int = 0
    variant: str = ""
    origins: tuple[int, ...] = ()
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True)
class Placement:
    """Who lives where in the arena, and when.

    Attributes:
        name: "tensor 5", "scratch 3".
        tensors: the model's tensors that live there, one after the other or as views.
        offset, size: bytes, from the arena's start.
        first, last: layer indices, inclusive; -1 is before the first layer, the number
            of layers is after the last.
    """

    name: str
    tensors: tuple[int, ...]
    offset: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Note:
    """What a graph pass did with one layer.

    Attributes:
        op: TFLite's builtin name.
        layer: a person's name for the layer.
        text: what was done.
    """

    op: str
    layer: str
    text: str


@dataclass(frozen=True)
class Pass:
    """What a graph pass did to a model; what was saved is negative where it grew.

    Attributes:
        name: the pass.
        title: what it is for, in a few words.
        notes: what was done, layer by layer.
        ops: ops that need code, fewer than before.
        macs: multiply-accumulates saved per inference.
        constant_bytes: bytes of weights and other constants saved.
        tensor_bytes: bytes saved in the sum of all activations.
    """

    name: str
    title: str
    notes: tuple[Note, ...]
    ops: int
    macs: int
    constant_bytes: int
    tensor_bytes: int


@dataclass(frozen=True)
class Program:
    """Generated C, and what is known of it ahead of time.

    Attributes:
        name: the model's name, a C identifier.
        sources: file name -> text of network.c, network.h, network_data.c, ...
        runtime: files of firmware/runtime that the sources need, relative to it.
        layers: in execution order.
        arena_bytes: static activation memory, scratch included.
        placements: the arena's layout.
        keeps_inputs: an inference leaves its input buffers as they were.
        passes: what graph passes did before; those that found nothing to do are absent.
    """

    name: str
    sources: dict[str, str]
    runtime: tuple[str, ...]
    layers: tuple[Layer, ...]
    arena_bytes: int
    placements: tuple[Placement, ...] = ()
    keeps_inputs: bool = True
    passes: tuple[Pass, ...] = ()
