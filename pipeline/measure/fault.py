"""Faults of the firmware: from the chip's line of registers to an error that names the function."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pipeline.errors import FirmwareCrashed

_FAULT = re.compile(r"e-\[fault((?: [a-z]+=0x[0-9a-f]{8})+)\]")

# Arm v7-M Architecture Reference Manual, B3.2.15 and B3.2.16: bits of CFSR and HFSR.
_CAUSES = {
    "cfsr": {
        0: "instruction access violation",
        1: "data access violation",
        4: "stacking error",
        8: "instruction bus error",
        9: "precise data bus error",
        10: "imprecise data bus error",
        12: "stacking bus error",
        16: "undefined instruction",
        17: "invalid state",
        18: "invalid PC",
        19: "no coprocessor",
        20: "stack overflow",
        24: "unaligned access",
        25: "division by zero",
    },
    "hfsr": {1: "vector table read error"},
}
# RISC-V Privileged Architecture, table of mcause.
_TRAPS = {
    0: "instruction address misaligned",
    1: "instruction access fault",
    2: "illegal instruction",
    4: "load address misaligned",
    5: "load access fault",
    6: "store address misaligned",
    7: "store access fault",
}


def parse_fault(line: str) -> dict[str, int] | None:
    """The registers in a fault line, or None where it is none."""
    match = _FAULT.search(line)
    if match is None:
        return None
    pairs = (word.split("=") for word in match.group(1).split())
    return {name: int(value, 16) for name, value in pairs}


def check_fault(line: str, *, where: str = "", elf: Path | None = None) -> None:
    """Does nothing for an ordinary line.

    Raises:
        FirmwareCrashed: the line reports a fault.
    """
    registers = parse_fault(line)
    if registers is None:
        return
    words = ", ".join(causes(registers))
    place = function_at(elf, registers["pc"]) if elf is not None and "pc" in registers else ""
    shown = " ".join(f"{name}=0x{value:08x}" for name, value in registers.items())
    what = "the firmware crashed" + (f" in {place}" if place else "")
    raise FirmwareCrashed(
        f"{what}{f' ({words})' if words else ''}: {shown}",
        where=where,
        hint="too small a stack is the commonest cause: see stack_bytes in the board's board.toml",
    )


def causes(registers: dict[str, int]) -> list[str]:
    """What the fault status registers say, in words."""
    found = [
        words
        for name, bits in _CAUSES.items()
        for bit, words in bits.items()
        if registers.get(name, 0) >> bit & 1
    ]
    if "mcause" in registers:
        found.append(_TRAPS.get(registers["mcause"], f"cause {registers['mcause']}"))
    return found


def function_at(elf: Path, address: int) -> str:
    """Name of the function an address lies in; "" where the ELF does not say."""
    try:
        from elftools.elf.elffile import ELFFile

        with elf.open("rb") as file:
            table: Any = ELFFile(file).get_section_by_name(".symtab")
            for symbol in table.iter_symbols() if table else ():
                start = symbol["st_value"] & ~1
                function = symbol["st_info"]["type"] == "STT_FUNC"
                if function and start <= address < start + max(symbol["st_size"], 2):
                    return str(symbol.name)
    except Exception:  # a hint must never hide the fault itself
        return ""
    return ""
