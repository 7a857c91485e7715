"""What a firmware says of itself, checked before anything is reckoned with it.

It comes over a wire from a chip that anybody may have written: numbers have ranges, text has
no characters that command a terminal, and what is missing is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.errors import DeviceError
from pipeline.measure.frames import words

_U32, _HERTZ = (1 << 32) - 1, 10_000_000_000
# Least and most of each number, with the bounds of firmware/monitor where it has some.
_NUMBERS = {
    "chunk_bytes": (64, 1 << 15),
    "window_chunks": (8, 1 << 16),
    "db_bytes": (0, _U32),
    "clock_hz": (1, _HERTZ),
    "tick_hz": (1, _HERTZ),
    "stack_bytes": (0, _U32),
    "stack_peak_bytes": (0, _U32),
    "layers": (0, 0xFFFF),
    "arena_bytes": (0, _U32),
    "expected_us": (0, _U32),
    "inputs": (0, 64),
    "outputs": (0, 64),
}
_ALWAYS = ("chunk_bytes", "clock_hz", "tick_hz")
_WITH_ENGINE = ("model", "sha256", "layers", "arena_bytes", "inputs", "outputs")
_MOST_TENSOR_BYTES = 1 << 28
_MOST_VALUE = 1000
_TENSOR = re.compile(
    r"([a-z]+\d*) bytes=(\d{1,10}) elements=(\d{1,10}) scale=0x[0-9a-f]{1,8} zero_point=-?\d{1,10}"
    r"(?: at=0x([0-9a-f]{8}))?"
)

MOST_INFO_BYTES = 1 << 16
"""So long is what a firmware may say of itself."""


@dataclass(frozen=True)
class WireTensor:
    """An input or output as the firmware has it: bytes, and its address where it says so."""

    bytes: int
    address: int | None


def parse_info(text: bytes) -> dict[str, str]:
    """Key -> value of the lines `key=value`, not yet checked."""
    info: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition(b"=")
        if separator:
            info[words(key)] = words(value)[:_MOST_VALUE]
    return info


def check_info(info: dict[str, str], where: str = "") -> None:
    """Raises DeviceError where the firmware says what can't be; the protocol's version is apart."""
    needed = _ALWAYS if "error" in info else (*_ALWAYS, *_WITH_ENGINE)
    for key in needed:
        if key not in info:
            raise _wrong(f"does not say its {key}", where)
    for key, (least, most) in _NUMBERS.items():
        value = info.get(key)
        if value is not None and not (
            re.fullmatch(r"\d{1,11}", value) and least <= int(value) <= most
        ):
            raise _wrong(f"says {key}={value[:40]!r}", where)
    if "error" not in info:
        if not re.fullmatch(r"[0-9a-f]{64}", info["sha256"]):
            raise _wrong(f"says sha256={info['sha256'][:70]!r}", where)
        for kind in ("input", "output"):
            tensors(info, kind, where)


def tensors(info: dict[str, str], kind: str, where: str = "") -> tuple[WireTensor, ...]:
    """The inputs or outputs.

    Args:
        info: key -> value.
        kind: "input" or "output".
        where: what the error names.

    Raises:
        DeviceError: one is missing, or can't be.
    """
    found = []
    for index in range(int(info.get(f"{kind}s", 0))):
        said = info.get(f"{kind}{index}", "")
        match = _TENSOR.fullmatch(said)
        if match is None or int(match[2]) > _MOST_TENSOR_BYTES:
            raise _wrong(f"says {kind}{index}={said[:80]!r}", where)
        found.append(WireTensor(int(match[2]), int(match[4], 16) if match[4] else None))
    return tuple(found)


def total_bytes(info: dict[str, str], kind: str) -> int:
    """Of all inputs or outputs."""
    return sum(tensor.bytes for tensor in tensors(info, kind))


def _wrong(what: str, where: str) -> DeviceError:
    return DeviceError(
        f"the firmware {what}, which can't be",
        where=where,
        hint="is the firmware one of ours, and of this version? `mcu flash` puts it there again",
    )
