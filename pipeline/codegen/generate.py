"""A graph and a board -> the program that is built: with kernels that fit the board's RAM."""

from __future__ import annotations

import re
from typing import cast

from pipeline.board import Board
from pipeline.codegen.compile import compile_graph
from pipeline.codegen.dtypes import bytes_of
from pipeline.codegen.program import Optimize, Program
from pipeline.codegen.target import Target
from pipeline.convert import Graph
from pipeline.errors import DoesNotFit, WrongUse
from pipeline.progress import Progress, silent

OTHER_RAM_BYTES = 2 * 1024
"""What monitor, port and engine take beside arena and stack, roughly."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|KIB|K|MB|MIB|M)?", re.IGNORECASE)
_FACTOR = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20}


def size_limit(limit: int | str | None) -> int | None:
    """Bytes of a limit such as 20000 or "20KB" (1 KB is 1,024 bytes); None and "" are none.

    Raises:
        WrongUse: it is no size, or nothing.
    """
    if limit is None or limit == "":
        return None
    match = _SIZE.fullmatch(str(limit).strip())
    size = 0 if match is None else round(float(match[1]) * _FACTOR[(match[2] or "B")[:1].upper()])
    if size < 1:
        raise WrongUse(
            f"{limit!r} is not a size", where="--ram-limit", hint="bytes, or such as 20KB"
        )
    return size


def generate(
    graph: Graph,
    board: Board,
    optimize: str,
    ram_limit: int | str | None = None,
    progress: Progress = silent,
) -> Program:
    """Compiles a model for a board.

    Where what the goal would choose is more than the board has, cheaper memory is paid for in
    instructions; if nothing fits, the program is what the goal wants.

    Args:
        graph: the model.
        board: its core decides which kernels there are.
        optimize: the goal.
        ram_limit: bytes the arena may have, see `size_limit`.
        progress: see `pipeline.codegen.compile_graph`.

    Raises:
        DoesNotFit: no choice of kernels keeps to `ram_limit`.
    """
    target = Target(board.core, frozenset(board.features))
    goal = cast(Optimize, optimize)
    limit = size_limit(ram_limit)
    program = compile_graph(graph, target, goal, progress, ram_limit=limit)
    room = _room(board)
    if limit is None and program.arena_bytes > room > 0:
        try:
            return compile_graph(graph, target, goal, progress, ram_limit=room)
        except DoesNotFit:
            return program
    return program


def _room(board: Board) -> int:
    """Bytes for arena and buffers."""
    return board.ram.bytes - board.stack_bytes - OTHER_RAM_BYTES


def held_inputs(
    graph: Graph, board: Board, program: Program, optimize: str
) -> dict[str, int | str]:
    """Macros that give the monitor's `db` a buffer, where inferences overwrite their input.

    The protocol's `infer` repeats an inference on what was sent once. The size goal does
    without the buffer, and so does a board without room for it: there the host sends the
    input again.
    """
    size = sum(bytes_of(graph.tensors[i]) for i in graph.inputs)
    if program.keeps_inputs or optimize == "size" or program.arena_bytes + size > _room(board):
        return {}
    return {"MONITOR_DB_BYTES": size}
