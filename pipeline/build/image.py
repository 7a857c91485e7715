"""Image: the linked firmware and its sizes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Image:
    """A firmware that can be flashed; the same file for a board and its emulators.

    Attributes:
        elf: the linked ELF.
        board: id of the board it is built for.
        flash_bytes: all that is stored in flash: code, constants, initial values.
        flash_code_bytes: flash_bytes without the model.
        flash_model_bytes: weights, per-channel constants and tables of the model.
        ram_bytes: static RAM: .data, .bss (the arena too), the reserved stack not.
        arena_bytes: the model's activation memory within ram_bytes.
        sections: section name -> bytes, as linked.
        symbols: the largest symbols, name -> bytes.
        parts: flash by part, see `parts.flash_parts`; {} where that is not known.
        heap: functions of a heap that are linked in; () means there is none.
        environment: what it was built with (compiler, flags, versions) -> in words.
    """

    elf: Path
    board: str
    flash_bytes: int
    flash_code_bytes: int
    flash_model_bytes: int
    ram_bytes: int
    arena_bytes: int
    sections: dict[str, int]
    symbols: dict[str, int]
    environment: dict[str, str] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    heap: tuple[str, ...] = ()
