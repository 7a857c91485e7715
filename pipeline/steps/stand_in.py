"""Boards that stand in: another board's emulator with the same core, never without saying so."""

from __future__ import annotations

from pipeline.board import Board, boards, load_board
from pipeline.errors import ToolMissing, WrongUse
from pipeline.flash.renode import renode_program
from pipeline.flash.serialport import ports


def stand_ins(board: Board) -> tuple[str, ...]:
    """Boards with a QEMU machine of the same core, the nearest first.

    Nearest: with the same features, enough memory, and then of the same chip family.
    """
    found = []
    for other in (load_board(name) for name in boards()):
        if other.qemu is None or other.core != board.core or other.id == board.id:
            continue
        enough = other.flash.bytes >= board.flash.bytes and other.ram.bytes >= board.ram.bytes
        same = set(other.features) == set(board.features)
        found.append((not same, not enough, other.port != board.port, other.id))
    return tuple(entry[-1] for entry in sorted(found))


def check_stand_in(board: Board, like: str, on: str) -> Board:
    """The board that is to stand in.

    Raises:
        WrongUse: it has another core or no QEMU machine, or the run is to be elsewhere.
    """
    where = f"--like {like}"
    if on not in ("auto", "qemu"):
        raise WrongUse(f"a stand-in runs in QEMU, not on {on}", where=where, hint="--on qemu")
    fitting = stand_ins(board)
    if like not in fitting:
        load_board(like)
        raise WrongUse(
            f"can't stand in for {board.id}: it has another core, or QEMU has no machine for it",
            where=where,
            hint=f"these can: {', '.join(fitting)}" if fitting else "no board here can",
        )
    return load_board(like)


def check_emulator(board: Board, on: str, port: str) -> None:
    """A board that only Renode has needs Renode, unless a real one is connected.

    Raises:
        ToolMissing: Renode is not installed; the hint names it, and the stand-in.
        WrongUse: QEMU is asked for and has no machine for the board.
    """
    nearest = stand_ins(board)[:1]
    like = "".join(
        f"; or --on qemu --like {name}: sizes of {board.id}, run on QEMU's {name}, which has the "
        f"same core ({board.core})"
        for name in nearest
    )
    if on == "qemu" and board.qemu is None:
        runs = ", ".join(board.emulators) or "a real one"
        raise WrongUse(
            f"QEMU has no machine for {board.id}",
            where=board.id,
            hint=f"it runs on: {runs}{like}",
        )
    only_renode = board.qemu is None and board.renode is not None
    connected = bool(port) or any(board.id in info.boards for info in ports())
    if on == "renode" or (on == "auto" and only_renode and not connected):
        if board.renode is None:
            return
        try:
            renode_program()
        except ToolMissing as error:
            hint = f"{error.hint}{like}" if only_renode else f"{error.hint}; or --on qemu"
            raise ToolMissing(error.what, where=board.id, hint=hint) from error
