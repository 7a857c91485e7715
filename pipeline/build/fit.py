"""Whether a firmware fits its board; and which boards it would fit."""

from __future__ import annotations

import re

from pipeline.board import Board, boards, load_board
from pipeline.build.sizes import Sizes
from pipeline.errors import DoesNotFit

# What monitor, port, engine and kernels take beside the model, roughly: only to advise.
_FIRMWARE_FLASH_BYTES = 32 * 1024
_FIRMWARE_RAM_BYTES = 2 * 1024

_OVERFLOW = re.compile(r"region [`'](\w+)' overflowed by (\d+) bytes")
_SECTION = re.compile(r"section [`'](\S+)' will not fit in region [`'](\w+)'")


def boards_that_fit(flash_bytes: int, ram_bytes: int) -> tuple[str, ...]:
    """Boards with at least so much flash and RAM (the stack not counted).

    Real boards come before virtual ones, and the smallest first.
    """
    able = []
    for board in (load_board(board_id) for board_id in boards()):
        if board.flash.bytes >= flash_bytes and board.ram.bytes - board.stack_bytes >= ram_bytes:
            virtual = not board.platformio.upload
            able.append((virtual, board.ram.bytes + board.flash.bytes, board.id))
    return tuple(board_id for _, _, board_id in sorted(able))


def check_before_build(board: Board, *, model_bytes: int, arena_bytes: int) -> None:
    """Refuses what can't fit whatever the compiler does.

    Args:
        board: the board.
        model_bytes: weights and tables that go to flash.
        arena_bytes: activation memory that goes to RAM.

    Raises:
        DoesNotFit: naming the memory, by how many bytes, and boards that would do.
    """
    room = board.ram.bytes - board.stack_bytes
    for memory, section, need, limit in (
        ("flash", ".text", model_bytes, board.flash.bytes),
        ("RAM", ".bss", arena_bytes, room),
    ):
        if need > limit:
            what = "weights alone take" if memory == "flash" else "arena alone takes"
            raise DoesNotFit(
                f"{memory} overflows by {need - limit:,} bytes in section {section}: the model's "
                f"{what} {need:,} bytes, {board.id} has {limit:,}",
                where=board.id,
                hint=_what_would_do(
                    board,
                    model_bytes + _FIRMWARE_FLASH_BYTES,
                    arena_bytes + _FIRMWARE_RAM_BYTES,
                    memory,
                ),
            )


def check_linked(board: Board, sizes: Sizes) -> None:
    """Refuses what was linked and still does not fit: not every linker knows the chip's RAM.

    Raises:
        DoesNotFit: naming the memory and by how many bytes.
    """
    for memory, need, limit in (
        ("flash", sizes.flash, board.flash.bytes),
        ("RAM", sizes.ram, board.ram.bytes - board.stack_bytes),
    ):
        if need > limit:
            raise DoesNotFit(
                f"{memory} overflows by {need - limit:,} bytes: the firmware takes {need:,} bytes, "
                f"{board.id} has {limit:,}"
                + f" beside {board.stack_bytes:,} of stack"
                * (memory == "RAM"),
                where=board.id,
                hint=_what_would_do(board, sizes.flash, sizes.ram, memory),
            )


def overflow_error(board: Board, linker: str) -> DoesNotFit | None:
    """What the linker's output says of overflowing memory; None where it says nothing."""
    linker = linker.replace("`DROM'", "`FLASH'")  # the same flash, on another bus
    linker = linker.replace("`text'", "`FLASH'").replace("`data'", "`RAM'")  # avr-libc's names
    found = {match[1]: int(match[2]) for match in _OVERFLOW.finditer(linker)}
    if not found:
        return None
    sections = {match[2]: match[1] for match in _SECTION.finditer(linker)}
    names = {"FLASH": "flash", "RAM": "RAM"}
    parts = [
        f"{names.get(region, region)} overflows by {excess:,} bytes"
        + (f" in section {sections[region]}" if region in sections else "")
        for region, excess in found.items()
    ]
    need_flash = board.flash.bytes + found.get("FLASH", 0)
    need_ram = board.ram.bytes - board.stack_bytes + found.get("RAM", 0)
    memory = "flash" if "FLASH" in found else "RAM"
    return DoesNotFit(
        f"{'; '.join(parts)} (flash {board.flash.bytes:,} bytes, RAM {board.ram.bytes:,} bytes, "
        f"of which {board.stack_bytes:,} are stack)",
        where=board.id,
        hint=_what_would_do(
            board, need_flash if memory == "flash" else 0, need_ram if "RAM" in found else 0, memory
        ),
    )


def _what_would_do(board: Board, flash_bytes: int, ram_bytes: int, memory: str) -> str:
    able = [b for b in boards_that_fit(flash_bytes, ram_bytes) if b != board.id][:4]
    smaller = (
        "prune it (`--prune magnitude:0.75`, or neurons) or `--optimize size`"
        if memory == "flash"
        else "remove neurons (`--prune neurons:0.5`) or use a smaller input"
    )
    return f"it would fit {', '.join(able)}; or {smaller}" if able else smaller
