"""What a loader is told to do with an ELF, and what a cache of objects leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from tiny_firmware import tiny_image
from tiny_program import tiny_program

from pipeline.board import boards, load_board
from pipeline.build.core import setup_core
from pipeline.build.parts import MAP
from pipeline.build.pio import run_pio
from pipeline.render import render

# Those with a linker script of ours.
BARE = [b for b in boards() if load_board(b).toolchain in ("arm-none-eabi", "riscv64-unknown-elf")]


@pytest.mark.slow
@pytest.mark.parametrize("board_id", [b for b in BARE if not load_board(b).platformio.framework])
def test_no_segment_clears_flash(board_id: str) -> None:
    """QEMU fills a segment's rest with zeros at its load address."""
    board = load_board(board_id)
    with tiny_image(board_id).elf.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_LOAD"):
            filled = segment["p_memsz"] - segment["p_filesz"]
            at = segment["p_paddr"]
            flash = board.flash.origin <= at < board.flash.origin + board.flash.bytes
            assert not (flash and filled), f"{filled} zeros at 0x{at + segment['p_filesz']:x}"


@pytest.mark.slow
def test_the_map_is_there_although_all_objects_come_from_a_cache(tmp_path: Path) -> None:
    """As in the second deployment with TensorFlow Lite Micro."""
    board = load_board("mps2_an386")
    for name in ("first", "second"):
        project = render(
            board, name="tiny", out=tmp_path / name / "project", program=tiny_program()
        )
        core = setup_core()
        code, said = run_pio(
            ["run"], cwd=project.path, core=core, seconds=120, tick=lambda _: None,
            keep_objects=True,
        )  # fmt: skip
        assert code == 0, said
        assert (project.path / MAP).is_file(), f"{name}: {said}"
