"""Graph -> Program: check, choose kernels, plan memory, emit C."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

from pipeline.codegen import emit
from pipeline.codegen.dtypes import DTYPES, bytes_of
from pipeline.codegen.kernels.choice import choose
from pipeline.codegen.kernels.kernel import Kernel, Support, candidates
from pipeline.codegen.memory.arena import Memory
from pipeline.codegen.memory.parts import is_view
from pipeline.codegen.memory.schedule import reorder
from pipeline.codegen.ops.arithmetic import is_steep
from pipeline.codegen.ops.lookup import TABLE
from pipeline.codegen.passes import PASSES, Simplified, simplify
from pipeline.codegen.passes.known import settled
from pipeline.codegen.program import Layer, Optimize, Output, Program
from pipeline.codegen.registry import registry
from pipeline.codegen.runtime import with_headers
from pipeline.codegen.share import share_constants
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op
from pipeline.convert.statistics import macs
from pipeline.errors import UnsupportedOp, WrongUse
from pipeline.progress import Progress, silent


def check_supported(graph: Graph) -> None:
    """Raises UnsupportedOp that lists every op of the graph the engine can't run.

    Nothing is generated or built before; the first layer concerned is in `where`, all
    are in the message.
    """
    known = registry()
    problems: list[tuple[Op, str, str]] = []
    for op in graph.ops:
        support = known.get(op.name)
        if support is None:
            problems.append((op, "operator without a kernel", "use --engine tflm"))
            continue
        low, high = support.versions
        if not low <= op.version <= high:
            what = f"version {op.version}; known are {low} to {high}"
            problems.append((op, what, "convert with an older converter, or use --engine tflm"))
            continue
        found = support.check(graph, op)
        if found:
            problems.append((op, *found))
    if not problems:
        return
    lines = [f"{op.name} {op.layer!r} (op {op.index}): {what}" for op, what, _ in problems]
    if len(lines) == 1:
        text = lines[0]
    else:
        text = f"{len(lines)} ops are not supported:\n  " + "\n  ".join(lines)
    hints = list(dict.fromkeys(hint for _, _, hint in problems))
    raise UnsupportedOp(
        text, where=graph.name, hint="; or: ".join(hints) + " (`mcu ops` lists what runs)"
    )


def compile_graph(
    graph: Graph,
    target: Target,
    optimize: Optimize = "balanced",
    progress: Progress = silent,
    *,
    keep_inputs: bool | None = None,
    ram_limit: int | None = None,
    passes: Collection[str] = tuple(PASSES),
) -> Program:
    """Compiles a model ahead of time to C.

    What the C computes in integers is bit-identical to TensorFlow Lite Micro's; float32 parts
    may differ from it in the last bits. The same graph, target and goal give the same bytes.

    Args:
        graph: a model of int8, int16 or float32, or of several.
        target: the core; decides which kernels may be taken.
        optimize: what to prefer where kernels differ: "speed", "size", or "balanced".
        progress: called once per op.
        keep_inputs: an inference leaves the input buffers as they are; without it they
            must be written before every inference, and the arena may be smaller. None keeps
            them where that takes no memory.
        ram_limit: bytes the arena may have; kernels are chosen so that it does.
        passes: the graph passes to run, of `pipeline.codegen.passes.PASSES`. Tensors keep
            their indices in all of them.

    Raises:
        UnsupportedOp: ops the engine has no kernel for; all of them are listed.
        WrongUse: unknown `optimize`.
        DoesNotFit: no choice of kernels keeps to `ram_limit`.
    """
    if optimize not in ("speed", "balanced", "size"):
        raise WrongUse(
            f"unknown optimisation goal {optimize!r}", hint="choose speed, balanced or size"
        )
    _check_ends(graph)
    graph = settled(graph)
    check_supported(graph)
    simplified = prepare(graph, passes)
    graph = simplified.graph
    known = registry()
    todo = ops_to_run(graph)

    def able(op: Op) -> list[Kernel]:
        return candidates(for_type(known[op.name], graph, op), graph, op, target)

    chosen = choose(
        graph,
        todo,
        able,
        target,
        optimize,
        keep_inputs=keep_inputs,
        ram_limit=ram_limit,
        told=lambda number: progress("codegen", number, len(todo), todo[number].layer),
    )
    steps, memory, kept = chosen.steps, chosen.memory, chosen.keeps_inputs
    codes = share_constants(graph, [(step.op, step.code) for step in steps])
    sources = emit.sources(graph, codes, memory, target, optimize, kept)
    progress("codegen", len(todo), len(todo))
    return Program(
        name=graph.name,
        sources=sources,
        runtime=with_headers(file for step in steps for file in step.code.files),
        layers=tuple(
            Layer(
                index=i,
                op=step.op.name,
                name=step.op.layer,
                macs=macs(graph, step.op),
                kernel=step.code.function,
                encoding=step.code.encoding,
                weight_bytes=sum(c.nbytes for c in codes[i][1].constants),
                estimate=round(step.kernel.cost(graph, step.op, target, optimize).cycles),
                elements=sum(math.prod(graph.tensors[o].shape) for o in step.op.outputs),
                variant=step.kernel.name,
                origins=step.op.origins or (step.op.index,),
                outputs=_outputs(graph, memory, step.op),
            )
            for i, step in enumerate(steps)
        ),
        arena_bytes=memory.size,
        placements=memory.placements,
        keeps_inputs=kept,
        passes=simplified.passes,
    )


def prepare(graph: Graph, passes: Collection[str] = tuple(PASSES)) -> Simplified:
    """The graph that is compiled: simplified, and in the order that needs the least memory."""
    simplified = simplify(settled(graph), passes)
    ordered = reorder(simplified.graph, ops_to_run(simplified.graph))
    return replace(simplified, graph=ordered)


def _outputs(graph: Graph, memory: Memory, op: Op) -> tuple[Output, ...]:
    """Where the op's results lie that are tensors of the model file."""
    results = [graph.tensors[i] for i in op.outputs]
    return tuple(
        Output(t.origin, memory.tensors[t.index], bytes_of(t), t.kept)
        for t in results
        if t.origin >= 0 and not t.variable
    )


def ops_to_run(graph: Graph) -> list[Op]:
    """The ops that become layers: all but those whose output is their input's memory."""
    todo = [op for op in graph.ops if not is_view(graph, op)]
    # Nothing but views: one real copy makes it a program.
    return todo or [graph.ops[-1]]


def for_type(support: Support, graph: Graph, op: Op) -> Support:
    """The kernels of special cores know int8 alone, and no steep ADD: the portable one does.

    An op that a graph pass made a table of has the kernel of tables.
    """
    if "table" in op.options:
        return TABLE
    if (op.outputs and graph.tensors[op.outputs[0]].dtype != "int8") or is_steep(graph, op):
        return replace(support, kernels=support.kernels[:1])
    return support


def _check_ends(graph: Graph) -> None:
    """Inputs and outputs are activations of a type the engine can hand over."""
    for kind, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for i in indices:
            t = graph.tensors[i]
            if t.dtype not in DTYPES:
                raise UnsupportedOp(
                    f"{kind} {t.name!r} holds {t.dtype}",
                    where=graph.name,
                    hint=f"convert with another type, one of {', '.join(DTYPES)}",
                )
            if t.data is not None or t.variable or 0 in t.shape:
                raise UnsupportedOp(
                    f"{kind} {t.name!r} is a constant, state, or empty",
                    where=graph.name,
                    hint="leave it out of the model",
                )
