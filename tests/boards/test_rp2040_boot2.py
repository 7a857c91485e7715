"""The boot ROM starts only a second stage whose checksum is right."""

import re
import struct

from pipeline.resources import FIRMWARE


def crc32(data: bytes) -> int:
    """As RP2040 Datasheet 2.8.1.3.1: polynomial 0x04C11DB7, seed all ones, not reflected."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x104C11DB7 if crc & 0x80000000 else 0)
    return crc


def test_the_second_stage_has_the_right_checksum() -> None:
    source = (FIRMWARE / "ports" / "rp2040" / "boot2.c").read_text()
    table = source[source.index("{") : source.index("};")]
    words = [int(word, 16) for word in re.findall(r"0x([0-9A-F]{4})\b(?=,)", table)]
    code = struct.pack(f"<{len(words)}H", *words).ljust(252, b"\0")
    written = re.search(r"boot2_crc = 0x([0-9A-F]{8})u", source)
    assert written is not None
    assert crc32(code) == int(written[1], 16)
