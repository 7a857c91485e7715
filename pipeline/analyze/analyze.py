"""analyze: will it fit, what will it cost, where is the weight. Nothing is trained or built."""

from __future__ import annotations

from pathlib import Path

from pipeline.analyze.analysis import (
    Analysis,
    Block,
    FlashEstimate,
    LayerEstimate,
    RamEstimate,
    alive,
)
from pipeline.analyze.estimates import figures_for
from pipeline.board import Board, load_board
from pipeline.build import boards_that_fit
from pipeline.codegen import Program, generate, held_inputs
from pipeline.convert import Graph, parameters, read_graph, total_macs, zero_share
from pipeline.errors import WrongUse
from pipeline.load import Dataset, FlatModel, load_data, load_model
from pipeline.load.network import Network
from pipeline.progress import Progress, silent
from pipeline.prune import parse_recipe

# Only sizes and kernels are wanted, not good ranges: a few generated samples do.
_CALIBRATION_SAMPLES = 16


def analyze(
    model: str | Path | FlatModel,
    board: str,
    *,
    prune: str = "none",
    optimize: str = "balanced",
    ram_limit: int | str | None = None,
    trust: bool = False,
    progress: Progress = silent,
) -> Analysis:
    """Tells what a model will take on a board.

    Args:
        model: a .tflite or a Keras file, trained or not, or a model in memory. Keras files
            are quantised with generated inputs.
        board: board id.
        prune: a recipe to apply first, without training, to see what it would give.
        optimize: what the aot engine favours.
        ram_limit: what the arena may take: bytes, or such as "20KB".
        trust: run code inside the model file.

    Raises:
        WrongUse: unknown board or option, or a recipe for a .tflite.
        DoesNotFit: no choice of kernels keeps to `ram_limit`.
        ModelError, UnsupportedOp: the file is no model, or the engine can't run it.
    """
    chosen = load_board(board)
    recipe = parse_recipe(prune).text
    flat, source, notes = _flat(model, recipe, trust, progress)
    progress("analyze", 1, 2, "generating the program")
    graph = read_graph(flat)
    program = generate(graph, chosen, optimize, ram_limit)
    progress("analyze", 2, 2)
    return _analysis(flat, graph, program, chosen, source, recipe, optimize, notes)


def _flat(
    model: str | Path | FlatModel, recipe: str, trust: bool, progress: Progress
) -> tuple[FlatModel, str, tuple[str, ...]]:
    progress("analyze", 0, 2, "reading the model")
    found = model if isinstance(model, FlatModel) else load_model(model, trust=trust)
    if isinstance(found, FlatModel):
        if recipe != "none":
            raise WrongUse(
                "a .tflite can't be pruned",
                where="--prune",
                hint="give the Keras model it came from",
            )
        return found, "tflite", ()
    return _quantized(found, recipe, progress)


def _quantized(
    network: Network, recipe: str, progress: Progress
) -> tuple[FlatModel, str, tuple[str, ...]]:
    from pipeline.prune import prune as prune_network
    from pipeline.quantize import quantize

    notes = ["quantised with generated inputs: sizes are right, answers are not"]
    data: Dataset = load_data("random", network.signature)
    if recipe != "none":
        network = prune_network(network, recipe, None, progress=progress)
        notes.append(f"pruned by {recipe} without training, to see what it gives")
    flat = quantize(network, data, samples=_CALIBRATION_SAMPLES, progress=progress)
    return flat, network.source_format, tuple(notes)


def _analysis(
    flat: FlatModel,
    graph: Graph,
    program: Program,
    board: Board,
    source: str,
    recipe: str,
    optimize: str,
    notes: tuple[str, ...],
) -> Analysis:
    figures = figures_for(board)
    costs = [figures.instructions(layer) for layer in program.layers]
    total = max(1, sum(costs))
    layers = tuple(
        LayerEstimate(
            layer.index,
            layer.op,
            layer.name,
            layer.kernel,
            layer.encoding,
            layer.macs,
            cost,
            cost / total,
            layer.weight_bytes,
        )
        for layer, cost in zip(program.layers, costs, strict=True)
    )
    weights = sum(layer.weight_bytes for layer in layers)
    flash = FlashEstimate(weights, figures.code_bytes(program), board.flash.bytes)
    held = int(held_inputs(graph, board, program, optimize).get("MONITOR_DB_BYTES", 0))
    ram = RamEstimate(
        program.arena_bytes, figures.other_ram + held, board.stack_bytes, board.ram.bytes
    )
    memory = blocks(graph, program)
    peak = max(range(len(layers)), key=lambda number: alive(memory, number))
    unknown = sorted({x.kernel for x in program.layers if x.kernel not in figures.kernels})
    if unknown:
        notes += (f"no measurement on {board.core} backs the cost of: {', '.join(unknown)}",)
    return Analysis(
        model=flat.name,
        sha256=flat.sha256,
        source=source,
        board=board.id,
        core=board.core,
        clock_hz=board.clock_hz,
        optimize=optimize,
        prune=recipe,
        parameters=parameters(graph),
        macs=total_macs(graph),
        zero_share=zero_share(graph),
        instructions=sum(costs) + figures.overhead,
        flash=flash,
        ram=ram,
        arena_bound=alive(memory, peak),
        peak=peak,
        layers=layers,
        memory=memory,
        problems=_problems(flash, ram),
        would_fit=tuple(b for b in boards_that_fit(flash.total, ram.total) if b != board.id),
        accuracy=figures.accuracy,
        notes=notes,
    )


def _problems(flash: FlashEstimate, ram: RamEstimate) -> tuple[str, ...]:
    found = []
    if flash.total > flash.limit:
        found.append(f"flash overflows by about {flash.total - flash.limit:,} bytes")
    room = ram.limit - ram.stack_bytes
    if ram.total > room:
        found.append(f"RAM overflows by about {ram.total - room:,} bytes")
    return tuple(found)


def blocks(graph: Graph, program: Program) -> tuple[Block, ...]:
    """The arena's layout in the words of the model, by offset."""
    maker = {index: op.layer or op.name for op in graph.ops for index in op.outputs}
    maker |= dict.fromkeys(graph.inputs, "input")
    made = []
    for place in program.placements:
        names = list(dict.fromkeys(maker.get(i, f"tensor {i}") for i in place.tensors))
        kind, _, number = place.name.partition(" ")
        if kind == "scratch" and number.isdigit() and int(number) < len(program.layers):
            names = [f"scratch of {program.layers[int(number)].name}"]
        who = ", ".join(names) or place.name
        made.append(Block(who, place.offset, place.size, place.first, place.last))
    return tuple(sorted(made, key=lambda block: (block.offset, block.first)))
