"""What the code generator does with each op of a model, and what else it could have done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pipeline.codegen.compile import compile_graph, for_type, ops_to_run, prepare
from pipeline.codegen.kernels.kernel import Portable, candidates, weighed
from pipeline.codegen.passes import PASSES
from pipeline.codegen.program import Layer, Optimize, Pass, Placement
from pipeline.codegen.registry import registry
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op
from pipeline.progress import Progress, silent


@dataclass(frozen=True)
class Candidate:
    """A kernel that can run the op on this core, by the cost model's estimates.

    Attributes:
        kernel: its name.
        instructions: per inference, uncalibrated.
        flash: bytes beside the plain weights; negative where they get smaller.
        ram: bytes the arena may grow by.
        weighed: the three as one number under the goal; the lowest is taken.
        chosen: it was taken.
        portable: it is the one that every core can run.
    """

    kernel: str
    instructions: int
    flash: int
    ram: int
    weighed: int
    chosen: bool
    portable: bool


@dataclass(frozen=True)
class Place:
    """Where an output lies, and when.

    Attributes:
        tensor: index in the graph.
        block: name of the arena's block; several tensors may share one.
        offset, size: of the block, in bytes from the arena's start.
        first, last: layers, inclusive; -1 is before the first, their number after the last.
    """

    tensor: int
    block: str
    offset: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class ExplainedOp:
    """What became of one op.

    Attributes:
        index: position in the graph after all passes.
        origins: the ops of the .tflite whose work it does, by index.
        op: TFLite's builtin name.
        name: a person's name for it.
        layer: position in the program; None for an op that needs no code, because its
            output is its input's memory under another shape.
        function: the C function that runs it, "" without code.
        encoding: how its weights are stored, "" without weights.
        candidates: the kernels that can run it, the cheapest first.
        unfit: names of the kernels that can't, on this core or with this shape.
        in_place: the tensor whose memory the output takes over, as it is written.
        outputs: where the results lie; constants and unused ones have no place.
        scratch: bytes of arena needed while the layer runs.
    """

    index: int
    origins: tuple[int, ...]
    op: str
    name: str
    layer: int | None
    function: str
    encoding: str
    candidates: tuple[Candidate, ...]
    unfit: tuple[str, ...]
    in_place: int | None
    outputs: tuple[Place, ...]
    scratch: int

    @property
    def chosen(self) -> Candidate | None:
        """The kernel taken; None for an op without code."""
        return next((c for c in self.candidates if c.chosen), None)


@dataclass(frozen=True)
class Explanation:
    """What the code generator does with a model.

    Attributes:
        core: the core it was asked for.
        optimize: the goal.
        arena_bytes: activations and scratch.
        passes: what graph passes did before.
        ops: those that are left, in execution order.
        placements: the arena's layout, inputs and scratch included.
    """

    core: str
    optimize: Optimize
    arena_bytes: int
    passes: tuple[Pass, ...]
    ops: tuple[ExplainedOp, ...]
    placements: tuple[Placement, ...]

    @property
    def views(self) -> int:
        """Ops that need no code."""
        return sum(op.layer is None for op in self.ops)

    @property
    def instructions(self) -> int:
        """Estimate per inference with the kernels taken."""
        return sum(op.chosen.instructions for op in self.ops if op.chosen)

    @property
    def portable_instructions(self) -> int:
        """Estimate per inference with portable kernels alone."""
        return sum(c.instructions for op in self.ops for c in op.candidates if c.portable)


def explain(
    graph: Graph,
    target: Target,
    optimize: Optimize = "balanced",
    progress: Progress = silent,
    passes: Collection[str] = tuple(PASSES),
    ram_limit: int | None = None,
) -> Explanation:
    """Compiles a model and says for each op what was done.

    Args:
        graph, target, optimize, progress, passes, ram_limit: see `compile_graph`.

    Raises:
        ModelError, UnsupportedOp, WrongUse, DoesNotFit: as `compile_graph` does.
    """
    program = compile_graph(graph, target, optimize, progress, passes=passes, ram_limit=ram_limit)
    graph = prepare(graph, passes).graph
    numbers = {op.index: number for number, op in enumerate(ops_to_run(graph))}
    blocks = {tensor: p for p in program.placements for tensor in p.tensors}
    scratch = {p.name: p.size for p in program.placements if not p.tensors}
    explained = []
    for op in graph.ops:
        number = numbers.get(op.index)
        layer = None if number is None else program.layers[number]
        explained.append(
            _explain(graph, op, layer, target, optimize, blocks, scratch.get(f"scratch {number}"))
        )
    return Explanation(
        target.core,
        optimize,
        program.arena_bytes,
        program.passes,
        tuple(explained),
        program.placements,
    )


def _explain(
    graph: Graph,
    op: Op,
    layer: Layer | None,
    target: Target,
    optimize: Optimize,
    blocks: Mapping[int, Placement],
    scratch: int | None,
) -> ExplainedOp:
    able, unfit = ((), ()) if layer is None else _candidates(graph, op, layer, target, optimize)
    return ExplainedOp(
        index=op.index,
        origins=op.origins,
        op=op.name,
        name=op.layer,
        layer=None if layer is None else layer.index,
        function="" if layer is None else layer.kernel,
        encoding="" if layer is None else layer.encoding,
        candidates=able,
        unfit=unfit,
        in_place=None if layer is None else _in_place(op, blocks),
        outputs=tuple(
            Place(i, blocks[i].name, blocks[i].offset, blocks[i].size, *_life(blocks[i]))
            for i in op.outputs
            if i in blocks
        ),
        scratch=scratch or 0,
    )


def _life(block: Placement) -> tuple[int, int]:
    return block.first, block.last


def _candidates(
    graph: Graph, op: Op, layer: Layer, target: Target, optimize: Optimize
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """The kernels that can run the op, and the names of those that can't."""
    support = for_type(registry()[op.name], graph, op)
    fit = candidates(support, graph, op, target)
    taken = next(k for k in fit if k.name == layer.variant)
    unfit = [k.name for k in support.kernels if k not in fit]
    able = []
    for kernel in fit:
        cost = kernel.cost(graph, op, target, optimize)
        able.append(
            Candidate(
                kernel=kernel.name,
                instructions=round(cost.cycles),
                flash=cost.flash,
                ram=cost.ram,
                weighed=round(weighed(cost, optimize)),
                chosen=kernel is taken,
                portable=isinstance(kernel, Portable),
            )
        )
    able.sort(key=lambda c: (c.weighed, not c.chosen))
    return tuple(able), tuple(dict.fromkeys(unfit))


def _in_place(op: Op, blocks: Mapping[int, Placement]) -> int | None:
    """The input whose block the output shares: as no view, it was written over it."""
    block = blocks.get(op.outputs[0])
    if block is None:
        return None
    return next((i for i in op.inputs if i in block.tensors and i != op.outputs[0]), None)
