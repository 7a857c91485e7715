"""The step `render`: graph and board -> project/, with the generated network in it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.board import load_board
from pipeline.options import EngineOptions
from pipeline.progress import Progress, silent
from pipeline.run import Run, digest, write_json
from pipeline.steps.artifacts import PROGRAM, PROJECT, drop_foreign_project
from pipeline.steps.keys import PACKAGE, board_key, sources_key
from pipeline.steps.preflight import check_energy_mode, mlperf_defines

if TYPE_CHECKING:
    from pipeline.convert import Graph
    from pipeline.load import FlatModel
    from pipeline.render import Project


def render(
    run: Run,
    flat: FlatModel,
    graph: Graph,
    board: str,
    options: EngineOptions = EngineOptions(),
    *,
    progress: Progress = silent,
) -> Project:
    """Graph and board -> project/, with the generated network in it.

    Args:
        run: the project is left there.
        flat, graph: the model, and as it was read.
        board: board id.
        options: what becomes of it on the chip.
        progress: called as the work goes on.

    Raises:
        WrongUse: an option without sense.
    """
    from pipeline.build import check_before_build
    from pipeline.codegen import generate, held_inputs
    from pipeline.render import Project, resolve_library
    from pipeline.render import render as render_project
    from pipeline.resources import FIRMWARE as FIRMWARE_SOURCES
    from pipeline.resources import VERSION
    from pipeline.steps.golden import golden_of
    from pipeline.steps.tflm import render_tflm

    options.check()
    engine, optimize, mlperf = options.engine, options.optimize, options.mlperf
    chosen = load_board(board)
    defines = mlperf_defines(mlperf, graph)
    check_energy_mode(mlperf, chosen)

    def load(folder: Path) -> Project:
        return Project(folder / PROJECT, board, engine, flat.name)

    def make(folder: Path) -> Project:
        progress("render", 0, 0, f"{engine} engine for {chosen.core}")
        if engine == "tflm":
            return render_tflm(folder, flat, graph, chosen, library, progress, mlperf, defines)
        program = generate(graph, chosen, optimize, options.ram_limit)
        weights = sum(layer.weight_bytes for layer in program.layers)
        check_before_build(chosen, model_bytes=weights, arena_bytes=program.arena_bytes)
        project = render_project(
            chosen,
            name=flat.name,
            out=folder / PROJECT,
            program=program,
            engine=engine,
            sha256=flat.sha256,
            defines=defines or held_inputs(graph, chosen, program, optimize),
            golden=golden_of(flat, graph),
        )
        write_json(
            folder / PROGRAM,
            {
                "board": board,
                "engine": engine,
                "mlperf": mlperf,
                "name": flat.name,
                "optimize": optimize,
                "ram_limit": options.ram_limit,
                "arena_bytes": program.arena_bytes,
                "passes": [asdict(done) for done in program.passes],
                "layers": [asdict(layer) for layer in program.layers],
            },
        )
        return project

    library = resolve_library(options.tflm) if engine == "tflm" else ""
    key = digest(
        flat.sha256, board_key(chosen), {**asdict(options), "tflm": library}, defines,
        sources_key(FIRMWARE_SOURCES, PACKAGE / "codegen", PACKAGE / "render"), VERSION,
    )  # fmt: skip
    drop_foreign_project(run)
    return run.step("render", key, (PROJECT, PROGRAM), make, load)
