"""Device: a board, real or emulated, that holds a firmware."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

On = Literal["probe", "serial", "qemu", "renode"]
PLACES: tuple[On, ...] = get_args(On)
EMULATORS: tuple[On, ...] = ("qemu", "renode")


@dataclass(frozen=True)
class Device:
    """Where a flashed firmware is to be found.

    A value, not a process: `pipeline.flash.connect(device)` is the context manager that
    starts the emulator where there is one, and gives the open serial port.

    Attributes:
        on: how it is reached.
        board: the board's id.
        elf: the firmware it holds.
        port: serial port of a real board ("/dev/ttyACM0", "socket://...", "labgrid:PLACE"); ""
            for emulators.
        baud: the line's speed in bits per second.
        typed: a person has named the port; else it may be what a file says. Not kept in files.
    """

    on: On
    board: str
    elf: Path
    port: str = ""
    baud: int = 115200
    typed: bool = field(default=False, compare=False)
