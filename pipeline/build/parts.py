"""What flash is used for, from the linker's map: the engine apart from what surrounds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    inputs: dict[str, list[tuple[int, int, str]]] = {}
    for output, at, size, owner in _inputs(text):
        inputs.setdefault(output, []).append((at, size, owner))
    for output in stored & inputs.keys():
        chosen = sorted(inputs[output])
        ends = [*(at for at, _, _ in chosen[1:]), chosen[0][0] + sections[output]]
        for (at, size, owner), end in zip(chosen, ends, strict=True):
            # Strings that were merged are listed longer than they are.
            part = _part(owner)
            found[part] = found.get(part, 0) + max(min(size, end - at), 0)
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


def allocators(names: frozenset[str]) -> tuple[str, ...]:
    """Functions among these symbols that give memory of a heap."""
    return tuple(name for name in _ALLOCATORS if name in names)


def _inputs(text: str) -> Iterator[tuple[str, int, int, str]]:
    """Output section, address, bytes and object of each input section that has bytes."""
    output = name = ""
    for line in text.partition("Linker script and memory map")[2].splitlines():
        plain = line.rstrip()
        if match := _INPUT.match(plain):
            if int(match[3], 16):
                yield output, int(match[2], 16), int(match[3], 16), match[4] or match[1]
            name = ""
        elif match := _OUTPUT.match(plain):
            output, name = match[1], ""
        elif match := _NAME.match(plain):
            name = match[1]
        elif name and (match := _REST.match(plain)):
            if int(match[2], 16):
                yield output, int(match[1], 16), int(match[2], 16), match[3]
            name = ""


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
