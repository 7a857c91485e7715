"""A project with TensorFlow Lite Micro, its arena sized by measuring.

TFLM plans its memory on the chip, so the size it needs is known only there: the project is
built once with as large an arena as the board has room for, started on the emulator, asked
how much was used, and rendered again with just that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline import scratch
from pipeline.board import Board
from pipeline.codegen.program import Layer
from pipeline.convert import Graph
from pipeline.convert.statistics import macs
from pipeline.errors import DeviceError, FirmwareCrashed, ModelError
from pipeline.load import FlatModel
from pipeline.progress import Progress
from pipeline.render import Project, tflm_for
from pipeline.render import render as render_project
from pipeline.run import write_json
from pipeline.steps.artifacts import PROGRAM, PROJECT

# RAM for what is not the arena while it is being sized: monitor, port, C library.
_RESERVE_BYTES = 8 * 1024
# tensor arena pointers are aligned to 16 bytes
_ROUND_TO = 16
# TFLM plans its buffers in the arena itself, with memory that counts as free afterwards: what is
# used may be too little to start with. These shares are tried on top, the last one always does.
_PLANNING_SHARES = (0.0, 0.25, 0.5, 1.0, 1e6)


def render_tflm(
    folder: Path,
    flat: FlatModel,
    graph: Graph,
    board: Board,
    library: str,
    progress: Progress,
    mlperf: str = "",
    defines: Mapping[str, int | str] | None = None,
) -> Project:
    """Renders project/ and program.json of a run with the engine "tflm".

    Raises:
        ModelError: a dynamic-range model.
        UnsupportedOp, WrongUse: see `pipeline.render.tflm_for`.
        DoesNotFit, StepFailed: the sizing build failed.
        DeviceError: the firmware did not come up; TFLM's own words are in the message.
    """
    if graph.dequantised:
        raise ModelError(
            "float activations on integer weights: TFLite Micro refuses dynamic-range models",
            where=flat.name,
            hint="--engine aot runs it in floats; or quantise it in full",
        )

    asked = (board.ram.bytes - board.stack_bytes - _RESERVE_BYTES) // _ROUND_TO * _ROUND_TO
    project = _render(folder, flat, graph, board, library, asked, "All the RAM there is.", defines)
    arena = asked
    reason = f"As large as {board.id} has room for: no emulator could measure what is used."
    if board.qemu is not None:
        progress("render", 0, 0, "sizing the arena: a first build of TensorFlow Lite Micro")
        used = _arena_used(project, board, folder, progress)
        for share in _PLANNING_SHARES:
            arena = min(asked, -(-round(used * (1 + share)) // _ROUND_TO) * _ROUND_TO)
            reason = f"Measured on {board.id}: {used} bytes are used"
            reason += f", {arena} are needed to plan them." if share else "."
            project = _render(folder, flat, graph, board, library, arena, reason, defines)
            if arena == asked or _starts(project, board, folder, progress):
                break
    else:
        project = _render(folder, flat, graph, board, library, arena, reason, defines)
    write_json(
        folder / PROGRAM,
        {
            "board": board.id,
            "engine": "tflm",
            "mlperf": mlperf,
            "name": flat.name,
            "optimize": "library",
            "arena_bytes": arena,
            "layers": _layers(graph),
        },
    )
    return project


def _layers(graph: Graph) -> list[dict[str, Any]]:
    """What the report says of each operator; the library chooses its kernels by itself."""
    return [
        asdict(
            Layer(
                index=index,
                op=op.name,
                name=op.layer,
                macs=macs(graph, op),
                kernel="tflm",
                weight_bytes=sum(
                    data.nbytes
                    for i in op.inputs
                    if i >= 0 and (data := graph.tensors[i].data) is not None
                ),
                elements=sum(math.prod(graph.tensors[i].shape) for i in op.outputs),
            )
        )
        for index, op in enumerate(graph.ops)
    ]


def _render(
    folder: Path,
    flat: FlatModel,
    graph: Graph,
    board: Board,
    library: str,
    arena: int,
    reason: str,
    defines: Mapping[str, int | str] | None,
) -> Project:
    return render_project(
        board,
        name=flat.name,
        out=folder / PROJECT,
        c_array=(folder / "model_data.h", folder / "model_data.c"),
        engine="tflm",
        tflm=tflm_for(graph, library, arena, reason),
        sha256=flat.sha256,
        defines=defines,
    )


def _starts(project: Project, board: Board, folder: Path, progress: Progress) -> bool:
    """The firmware comes up, its engine too."""
    try:
        _arena_used(project, board, folder, progress)
    except FirmwareCrashed:
        raise
    except DeviceError:
        return False
    return True


def _arena_used(project: Project, board: Board, folder: Path, progress: Progress) -> int:
    from pipeline.build import build
    from pipeline.flash import connect, flash
    from pipeline.measure import Link, Session

    with scratch.taking_the_place_of(folder / "arena") as sizing:
        image = build(project, board, out=sizing, progress=progress)
        device = flash(image, board, on="qemu", progress=progress)
        with connect(device, board) as line:
            firmware = Session(Link(line, where=board.id, symbols=device.elf)).hello()
    return int(firmware["arena_bytes"])
