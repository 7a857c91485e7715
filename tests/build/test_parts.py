"""Flash by part, from a linker's map."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_firmware import tiny_image

from pipeline.build.parts import ENGINE_PARTS, allocators, flash_parts

MAP = """\
Discarded input sections

 .text          0x00000000       0x10 .pio/build/b/src/monitor/gone.o

Linker script and memory map

LOAD .pio/build/b/src/main.o

.text           0x08000000       0x90
 .vectors       0x08000000       0x10 .pio/build/b/src/port/startup.o
 .text.main     0x08000010        0x8 .pio/build/b/src/main.o
 .text.a_name_that_is_long
                0x08000018        0x8 .pio/build/b/src/monitor/text.o
 .text          0x08000020       0x10 .pio/build/b/src/runtime/dsp/conv.o
 .rodata.model_weights
                0x08000030       0x20 .pio/build/b/src/network/network_data.o
 .text.network  0x08000050        0x8 .pio/build/b/src/network/network.o
 *fill*         0x08000058        0x8
 .rodata.str1.4
                0x08000060       0x30 .pio/build/b/src/monitor/text.o
                                 0x38 (size before relaxing)
 .rodata.str1.4
                0x08000070       0x20 .pio/build/b/src/port/port.o
 .text          0x08000080       0x10 /usr/lib/libc_nano.a(lib_a-memcpy.o)

.bss            0x20000000       0x40
 .bss           0x20000000       0x40 .pio/build/b/src/monitor/frame.o
"""


def test_every_byte_has_its_part(tmp_path: Path) -> None:
    path = tmp_path / "firmware.map"
    path.write_text(MAP)
    found = flash_parts(path, {".text": 0x90, ".bss": 0x40}, frozenset({".text"}), 0x20)
    assert found == {
        "fill": 0x8,
        "kernels": 0x10,
        "library": 0x10,
        "model": 0x20,
        "monitor": 0x8 + 0x10,  # merged strings end where the next ones begin
        "network": 0x8,
        "port": 0x10 + 0x8 + 0x10,
    }
    assert sum(found.values()) == 0x90


# As binutils 2.44 writes it: what was merged lies with the first, longer than that one was.
MERGED_MAP = """\
Linker script and memory map

.text           0x08000000       0x90
 .text          0x08000000       0x20 .pio/build/b/src/monitor/text.o
 .rodata.engine_init.str1.4
                0x08000020       0x40 .pio/build/b/src/engine/engine_aot.o
                                  0x1 (size before relaxing)
 .rodata.engine_layer.str1.4
                0x08000060        0xf .pio/build/b/src/engine/engine_aot.o
 .rodata.cst4   0x08000060        0x8 .pio/build/b/src/runtime/exp.o
 *fill*         0x08000068        0x8
 .rodata.a.str1.4
                0x08000070       0x30 .pio/build/b/src/monitor/text.o
 .rodata.b.str1.4
                0x08000070       0x20 /usr/lib/libc_nano.a(lib_a-memcpy.o)
 .text.main     0x08000070       0x20 .pio/build/b/src/main.o
"""


def test_merged_strings_are_shared_among_those_that_brought_them(tmp_path: Path) -> None:
    path = tmp_path / "firmware.map"
    path.write_text(MERGED_MAP)
    found = flash_parts(path, {".text": 0x90}, frozenset({".text"}), 0)
    # 0x40 bytes of 0x60 that were brought: 0x10 by the engine, 0x30 and 0x20 by the others
    assert found["engine"] == 0x40 * 0x10 // 0x60
    assert found["monitor"] - 0x20 in (0x20, 0x1F)
    assert found["library"] in (0x15, 0x16)
    assert found["engine"] + found["monitor"] + found["library"] == 0x20 + 0x40
    assert (found["kernels"], found["port"], found["fill"]) == (0x8, 0x20, 0x8)
    assert sum(found.values()) == 0x90


@pytest.mark.parametrize("text", ["", "Linker script and memory map\n", MAP.replace("0x90", "0x9")])
def test_a_map_that_is_none_gives_no_figures(tmp_path: Path, text: str) -> None:
    path = tmp_path / "firmware.map"
    path.write_text(text)
    assert flash_parts(path, {".text": 0x900}, frozenset({".text"}), 0x20) == {}
    assert flash_parts(tmp_path / "absent", {".text": 0x90}, frozenset({".text"}), 0) == {}


def test_a_heap_is_seen() -> None:
    assert allocators(frozenset({"main", "_sbrk", "malloc"})) == ("malloc", "_sbrk")
    assert allocators(frozenset({"main"})) == ()


@pytest.mark.slow
@pytest.mark.parametrize("board_id", ["disco_f407vg", "hifive1-revb"])
def test_the_parts_of_a_firmware_add_up(board_id: str) -> None:
    image = tiny_image(board_id)
    assert sum(image.parts.values()) == image.flash_bytes
    assert {"model", "monitor", "port", "network"} <= image.parts.keys()
    assert image.parts["model"] == image.flash_model_bytes
    assert sum(image.parts.get(part, 0) for part in ENGINE_PARTS) < image.parts["monitor"]
    assert image.heap == ()
