"""Analysis: what a model will take on a board, before anything is trained or built."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LayerEstimate:
    """One layer of the generated program.

    Attributes:
        index: position in the order of execution.
        op: TFLite's builtin name.
        name: a person's name for it.
        kernel: the function that runs it.
        encoding: how its weights are stored; "" without weights.
        macs: multiply-accumulates of the dense layer, per inference.
        instructions: expected per inference.
        share: part of all instructions, 0..1.
        weight_bytes: its weights and constants in flash, as packed.
    """

    index: int
    op: str
    name: str
    kernel: str
    encoding: str
    macs: int
    instructions: int
    share: float
    weight_bytes: int


@dataclass(frozen=True)
class Block:
    """Who lives where in the arena, and when.

    Attributes:
        who: the layers whose outputs live there, "input", or "scratch of ...".
        offset, size: bytes.
        first, last: layer indices, inclusive; -1 is before the first layer, the number of
            layers is after the last.
    """

    who: str
    offset: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class FlashEstimate:
    """Flash in bytes: `model_bytes` is exact as packed, `code_bytes` an estimate."""

    model_bytes: int
    code_bytes: int
    limit: int

    @property
    def total(self) -> int:
        """Bytes in all."""
        return self.model_bytes + self.code_bytes


@dataclass(frozen=True)
class RamEstimate:
    """RAM in bytes: `arena_bytes` is exact, `other_bytes` (buffers, states) an estimate.

    `stack_bytes` is reserved beside them; `limit` is what the board has in all.
    """

    arena_bytes: int
    other_bytes: int
    stack_bytes: int
    limit: int

    @property
    def total(self) -> int:
        """Bytes in all, without the stack."""
        return self.arena_bytes + self.other_bytes


@dataclass(frozen=True)
class Analysis:
    """What a model will take on a board.

    Attributes:
        model: its name.
        sha256: of the flatbuffer that was analysed.
        source: "tflite", or the kind of Keras file it was converted from.
        board, core, clock_hz: where it is to run.
        optimize: the goal the program was generated for.
        prune: the recipe that was applied, without training; "none".
        parameters, macs: of the model.
        zero_share: zeros among its weights, 0..1.
        instructions: expected per inference.
        arena_bound: bytes of the arena in use while the layer `peak` runs.
        peak: the layer that needs the most.
        problems: what does not fit, by how much; empty where all fits.
        would_fit: other boards with enough flash and RAM, the smallest first.
        accuracy: how far the estimates were off where they were compared with measurements,
            as shares; "instructions" and "flash"; empty where that was never done for the core.
        notes: what a reader has to know.
    """

    model: str
    sha256: str
    source: str
    board: str
    core: str
    clock_hz: int
    optimize: str
    prune: str
    parameters: int
    macs: int
    zero_share: float
    instructions: int
    flash: FlashEstimate
    ram: RamEstimate
    arena_bound: int
    peak: int
    layers: tuple[LayerEstimate, ...]
    memory: tuple[Block, ...]
    problems: tuple[str, ...]
    would_fit: tuple[str, ...]
    accuracy: dict[str, float]
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Flash and RAM of the board suffice."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """The document of `mcu analyze --json`."""
        document = asdict(self)
        document["fits"] = self.fits
        document["flash"]["total"] = self.flash.total
        document["ram"]["total"] = self.ram.total
        return document


def alive(blocks: tuple[Block, ...], layer: int) -> int:
    """Bytes in use while a layer runs; an output may lie over its input's."""
    total, end = 0, 0
    for block in sorted(blocks, key=lambda block: block.offset):
        if block.first <= layer <= block.last:
            begin, stop = max(block.offset, end), block.offset + block.size
            total += max(0, stop - begin)
            end = max(end, stop)
    return total
