"""Sizes of a linked firmware, read from its ELF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from pipeline.build.parts import allocators
from pipeline.errors import StepFailed

_WRITE, _ALLOC = 0x1, 0x2
_LARGEST = 40
STACK_SECTION = ".stack"


@dataclass(frozen=True)
class Sizes:
    """All in bytes; see Image for the meaning of each. `compiler` as it names itself.

    `stored` names the sections that lie in flash, `heap` the allocators that are linked in.
    """

    flash: int
    model: int
    ram: int
    arena: int
    sections: dict[str, int]
    symbols: dict[str, int]
    compiler: str = ""
    stored: frozenset[str] = frozenset()
    heap: tuple[str, ...] = ()


def read_sizes(elf: Path) -> Sizes:
    """Adds up sections and symbols.

    Flash holds every allocated section with contents (initial values of .data too); RAM
    holds every writable one but the reserved stack. The model is what is named `model_*`
    (the aot engine's data) or `g_model` (a flatbuffer) in sections that are not writable.

    Raises:
        StepFailed: not an ELF.
    """
    try:
        with elf.open("rb") as stream:
            return _read(ELFFile(stream))
    except (OSError, ELFError) as error:
        raise StepFailed(f"is not a firmware: {error}", where=str(elf)) from error


def _read(elf: ELFFile) -> Sizes:
    flash = ram = 0
    sections: dict[str, int] = {}
    writable: set[int] = set()
    stored: set[str] = set()
    allocated: set[int] = set()
    for index, section in enumerate(elf.iter_sections()):
        flags, size = section["sh_flags"], section["sh_size"]
        if not flags & _ALLOC or not size:
            continue
        allocated.add(index)
        sections[section.name] = size
        if section["sh_type"] != "SHT_NOBITS":
            flash += size
            stored.add(section.name)
        if flags & _WRITE:
            writable.add(index)
            if section.name != STACK_SECTION:
                ram += size
        elif section["sh_type"] == "SHT_NOBITS" and section.name != STACK_SECTION:
            ram += size

    named: dict[str, int] = {}
    model = arena = 0
    seen: set[tuple[int, int]] = set()
    for symbol in elf.get_section_by_name(".symtab").iter_symbols():
        where, size = symbol["st_shndx"], symbol["st_size"]
        if where not in allocated or not size:
            continue
        key = (symbol["st_value"], size)
        named[symbol.name] = size
        if symbol.name == "network_arena":
            arena = size
        is_model = symbol.name.startswith("model_") or symbol.name == "g_model"
        if is_model and where not in writable and key not in seen:
            seen.add(key)
            if symbol["st_info"]["type"] == "STT_OBJECT":
                model += size
    largest = sorted(named.items(), key=lambda item: (-item[1], item[0]))[:_LARGEST]
    return Sizes(flash, model, ram, arena, sections, dict(largest), _compiler(elf),
                 frozenset(stored), allocators(frozenset(named)))  # fmt: skip


def _compiler(elf: ELFFile) -> str:
    """The compilers that the objects' .comment sections name (GCC writes one string each)."""
    comment = elf.get_section_by_name(".comment")
    names = comment.data().split(b"\0") if comment is not None else []
    return ", ".join(sorted({name.decode("utf-8", "replace") for name in names if name}))
