"""What flash is used for, from the linker's map: the engine apart from what surrounds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAP = Path(".pio") / "firmware.map"
# Folder of a project's sources -> part. What is in none of them came from a library.
_FOLDERS = {
    "runtime": "kernels",
    "engine": "engine",
    "network": "network",
    "monitor": "monitor",
    "port": "port",
}
LIBRARY, TFLM, FILL, MODEL = "library", "tflm", "fill", "model"
ENGINE_PARTS = ("model", "kernels", "network", "engine", TFLM)
_TFLM = re.compile(r"tflite|tensorflow|tflm", re.IGNORECASE)
_ALLOCATORS = ("malloc", "_malloc_r", "_sbrk", "_sbrk_r", "sbrk", "_Znwj", "_Znwm", "pvPortMalloc")

# GNU ld writes a section's name, address, size and object in one line, or breaks it behind a
# long name; output sections begin at the margin.
_OUTPUT = re.compile(r"^(\.[\w.]+)(?:\s+0x([0-9a-f]+)\s+0x[0-9a-f]+.*)?$")
_INPUT = re.compile(r"^ (\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?:\s+(\S.*))?$")
_NAME = re.compile(r"^ (\S+)$")
_REST = re.compile(r"^\s{8,}0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*)$")
_BEFORE = re.compile(r"^\s{8,}0x([0-9a-f]+) \(size before relaxing\)$")
# Sections of strings and constants that the linker merges: unit and alignment are their name's
# end. Those of one name's end in one output section are merged with each other.
_MERGED = re.compile(r"\.((?:str|cst)\d+(?:\.\d+)?)$")


@dataclass
class _Input:
    """An input section: where it lies, and its bytes as listed and before strings were merged."""

    name: str
    at: int
    size: int
    owner: str
    before: int = 0


def flash_parts(
    linker_map: Path, sections: dict[str, int], stored: frozenset[str], model_bytes: int
) -> dict[str, int]:
    """Bytes of flash by part; {} where there is no map.

    Args:
        linker_map: as `-Wl,-Map` writes it.
        sections: bytes of each output section of the ELF.
        stored: output sections that lie in flash.
        model_bytes: weights and tables, which are told from the network's code by symbol.

    Returns:
        model, kernels (the runtime), network (the code that calls them), engine (its face to
        the monitor), tflm (TensorFlow Lite Micro), monitor, port (start-up too), library (C
        and compiler library), fill (alignment). They add up to all that is stored.
    """
    try:
        text = linker_map.read_text(errors="replace")
    except OSError:
        return {}
    found: dict[str, int] = {}
    inputs: dict[str, list[_Input]] = {}
    for output, item in _inputs(text):
        inputs.setdefault(output, []).append(item)
    for output in stored & inputs.keys():
        for part, size in _sizes(inputs[output], sections[output]):
            found[part] = found.get(part, 0) + size
    if not found:
        return {}
    total = sum(size for name, size in sections.items() if name in stored)
    found[MODEL] = model_bytes
    found["network"] = found.get("network", 0) - model_bytes
    found[FILL] = found.get(FILL, 0) + total - sum(found.values())
    # A map that was read wrongly: better no figure than a wrong one.
    if min(found.values()) < 0 or found[FILL] > total / 10:
        return {}
    return {part: size for part, size in sorted(found.items()) if size}


def _sizes(inputs: list[_Input], stored: int) -> Iterator[tuple[str, int]]:
    """Part and bytes of each input section of an output section of `stored` bytes."""
    # By address alone: what was merged away stands before what lies at its address.
    chosen = sorted(inputs, key=lambda item: item.at)
    ends = [*(item.at for item in chosen[1:]), chosen[0].at + stored]
    merged: dict[str, list[tuple[_Input, int]]] = {}
    for item, end in zip(chosen, ends, strict=True):
        # Strings that were merged are listed longer than they are.
        size = max(min(item.size, end - item.at), 0)
        if kind := _MERGED.search(item.name):
            merged.setdefault(kind[1], []).append((item, size))
        else:
            yield _part(item.owner), size
    for group in merged.values():
        if any(item.before and item.size > item.before for item, _ in group):
            # binutils 2.44 lists all with the first: each gets its share by what
            # it brought.
            yield from _shared(sum(size for _, size in group), [item for item, _ in group])
        else:
            yield from ((_part(item.owner), size) for item, size in group)


def _shared(total: int, items: list[_Input]) -> Iterator[tuple[str, int]]:
    """Splits `total` bytes by the sizes before merging; the shares add up."""
    brought = [item.before or item.size for item in items]
    given = weight = 0
    for item, size in zip(items, brought, strict=True):
        weight += size
        share = total * weight // sum(brought) - given
        given += share
        yield _part(item.owner), share


def allocators(names: frozenset[str]) -> tuple[str, ...]:
    """Functions among these symbols that give memory of a heap."""
    return tuple(name for name in _ALLOCATORS if name in names)


def _inputs(text: str) -> Iterator[tuple[str, _Input]]:
    """Output section and input section, of each input section that has bytes."""
    output = name = ""
    last: tuple[str, _Input] | None = None
    for line in text.partition("Linker script and memory map")[2].splitlines():
        plain = line.rstrip()
        if last is not None:
            before = _BEFORE.match(plain)
            last[1].before = int(before[1], 16) if before else 0
            yield last
            last = None
            if before:
                continue
        if match := _INPUT.match(plain):
            if int(match[3], 16):
                owner = match[4] or match[1]
                last = output, _Input(match[1], int(match[2], 16), int(match[3], 16), owner)
            name = ""
        elif match := _OUTPUT.match(plain):
            output, name = match[1], ""
        elif match := _NAME.match(plain):
            name = match[1]
        elif name and (match := _REST.match(plain)):
            if int(match[2], 16):
                last = output, _Input(name, int(match[1], 16), int(match[2], 16), match[3])
            name = ""
    if last is not None:
        yield last


def _part(owner: str) -> str:
    if owner.startswith("*fill*"):
        return FILL
    words = owner.replace("\\", "/").split("/")
    if "src" in words[:-1]:
        place = words.index("src") + 1
        if place == len(words) - 1:
            return "port"  # main.c
        if words[place] in _FOLDERS:
            return _FOLDERS[words[place]]
    return TFLM if _TFLM.search(owner) else LIBRARY
