"""What can be known before any work is done: options without sense, tools that are missing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import extras
from pipeline.board import Board, load_board
from pipeline.errors import WrongUse
from pipeline.run import STEPS
from pipeline.steps.artifacts import DataOptions, TrainOptions

if TYPE_CHECKING:
    from pipeline.convert import Graph

ENGINES = ("aot", "tflm")
OPTIMIZE = ("size", "balanced", "speed")
# Post-training, and int8 that is trained for.
SCHEMES = ("int8", "int16x8", "qat")
PLACES = ("auto", "qemu", "renode", "probe", "serial", "labgrid:PLACE")


def preflight(
    model: Path,
    board: str,
    *,
    data: DataOptions,
    recipe: str,
    engine: str,
    optimize: str,
    ram_limit: int | str | None = None,
    on: str,
    port: str = "",
    until: str,
    scheme: str = "int8",
    mlperf: str = "",
    training: TrainOptions = TrainOptions(),
    task: str = "auto",
) -> None:
    """Checks all that can be known before any work is done.

    Raises:
        WrongUse: an option without sense, an unknown board, no such file.
        ToolMissing: a program that a later step needs is not installed.
        ModelError: the file is no model.
    """
    from pipeline.build import require_compiler
    from pipeline.codegen import size_limit
    from pipeline.flash import labgrid
    from pipeline.flash.qemu import qemu_program
    from pipeline.load.sniff import TFLITE, sniff
    from pipeline.measure.scores import TASKS
    from pipeline.prune import parse_recipe
    from pipeline.render import offline
    from pipeline.steps.stand_in import check_emulator

    for option, value, known in (
        ("--until", until, STEPS),
        ("--scheme", scheme, SCHEMES),
        ("--engine", engine, ENGINES),
        ("--optimize", optimize, OPTIMIZE),
        ("--on", on, PLACES),
    ):
        if value not in known and not (option == "--on" and labgrid.place_of(value)):
            raise WrongUse(f"{value!r} is not known", where=option, hint=", ".join(known))
    if task not in TASKS:
        raise WrongUse(f"{task!r} is not known", where="--task", hint=", ".join(TASKS))
    chosen = load_board(board)
    size_limit(ram_limit)
    mlperf_defines(mlperf)
    check_energy_mode(mlperf, chosen)
    if recipe != "none":
        parse_recipe(recipe)
    training.check(data=data.spec is not None, prunes=recipe != "none")
    flat = sniff(model).format == TFLITE
    if flat and recipe != "none":
        raise WrongUse(
            "a .tflite can't be pruned", where="--prune", hint="give the Keras model it came from"
        )
    if flat and scheme != "int8":
        raise WrongUse(
            "a .tflite is quantised already", where="--scheme", hint="give the Keras model"
        )
    if not flat:
        what, instead = "a Keras model needs TensorFlow", "a .tflite needs none of it"
        extras.require("keras", what, where=str(model), instead=instead)
    if data.spec == "digits":
        extras.require("digits", "the digits come with scikit-learn", where="--data digits")
    last = STEPS.index(until)
    if not flat or last >= STEPS.index("measure"):
        data.required()
    if last >= STEPS.index("build") and offline():
        require_compiler(chosen)
    if last >= STEPS.index("flash"):
        check_emulator(chosen, on, port)
        if on == "qemu":
            qemu_program(chosen)


def mlperf_defines(mlperf: str, graph: Graph | None = None) -> dict[str, int | str]:
    """The monitor's macros for a benchmark of MLPerf Tiny.

    Raises:
        WrongUse: there is no such benchmark, or it sends what the graph does not take.
    """
    if not mlperf:
        return {}
    from pipeline.measure.mlperf import benchmark_of

    benchmark, energy = benchmark_of(mlperf)
    if graph is not None:
        source = graph.tensors[graph.inputs[0]]
        if (source.dtype, math.prod(source.shape)) != ("int8", benchmark.elements):
            raise WrongUse(
                f"{benchmark.id} sends {benchmark.elements} int8 values, the model takes "
                f"{math.prod(source.shape)} {source.dtype}",
                where="--mlperf",
            )
    return {**benchmark.defines, "MONITOR_ENERGY": 1} if energy else benchmark.defines


def check_energy_mode(mlperf: str, board: Board) -> None:
    """Energy mode needs a port that has a pin for time stamps.

    Raises:
        WrongUse: the board's has none.
    """
    from pipeline.measure.mlperf import benchmark_of
    from pipeline.resources import FIRMWARE

    if not mlperf or not benchmark_of(mlperf)[1]:
        return
    sources = (FIRMWARE / "ports" / board.port).glob("*.c")
    if not any("port_timestamp_pin" in path.read_text() for path in sources):
        raise WrongUse(
            f"the port {board.port} has no pin for time stamps",
            where=f"--mlperf {mlperf}",
            hint="port_timestamp_pin() in firmware/ports/stm32f4 shows how little it takes",
        )
