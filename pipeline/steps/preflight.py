"""What can be known before any work is done: options without sense, tools that are missing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import extras
from pipeline.board import Board, load_board
from pipeline.errors import WrongUse
from pipeline.options import DataOptions, Options, TrainOptions
from pipeline.run import STEPS, require_file

if TYPE_CHECKING:
    from pipeline.convert import Graph


def preflight(model: Path, board: str, options: Options) -> None:
    """Checks all that can be known before any work is done.

    Raises:
        WrongUse: an option without sense, an unknown board, no such file.
        ToolMissing: a program that a later step needs is not installed.
        ModelError: the file is no model.
    """
    from pipeline.build import require_compiler
    from pipeline.flash.qemu import qemu_program
    from pipeline.load.sniff import TFLITE, sniff
    from pipeline.render import offline
    from pipeline.steps.stand_in import check_emulator

    options.check()
    chosen = load_board(board)
    check_energy_mode(options.mlperf, chosen)
    prunes = options.prune != "none"
    options.of(TrainOptions).check_use(data=options.data is not None, prunes=prunes)
    flat = sniff(model).format == TFLITE
    if flat and prunes:
        raise WrongUse(
            "a .tflite can't be pruned", where="--prune", hint="give the Keras model it came from"
        )
    if flat and options.scheme != "int8":
        raise WrongUse(
            "a .tflite is quantised already", where="--scheme", hint="give the Keras model"
        )
    if not flat:
        what, instead = "a Keras model needs TensorFlow", "a .tflite needs none of it"
        extras.require("keras", what, where=str(model), instead=instead)
    if options.data == "digits":
        extras.require("digits", "the digits come with scikit-learn", where="--data digits")
    last = STEPS.index(options.until)
    if not flat or last >= STEPS.index("measure"):
        require_file(Path(options.of(DataOptions).required()), folder=True)
    if last >= STEPS.index("build") and offline():
        require_compiler(chosen)
    if last >= STEPS.index("flash"):
        check_emulator(chosen, options.on, options.port)
        if options.on == "qemu":
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
