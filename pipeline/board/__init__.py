"""Boards: what boards/<id>/board.toml says, and how a new one is written."""

from pipeline.board.description import (
    TOOLCHAINS,
    VERIFIED,
    Board,
    PlatformIo,
    Qemu,
    Region,
    Renode,
    Source,
    Uart,
    boards,
    load_board,
    read_board,
    user_folder,
)

__all__ = [
    "TOOLCHAINS",
    "VERIFIED",
    "Board",
    "PlatformIo",
    "Qemu",
    "Region",
    "Renode",
    "Source",
    "Uart",
    "boards",
    "load_board",
    "read_board",
    "user_folder",
]
