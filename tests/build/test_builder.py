"""`pio run` on a rendered project, and what is said when it fails."""

from pathlib import Path

import pytest
from tiny_firmware import tiny_image
from tiny_program import tiny_program

from pipeline.board import boards, load_board
from pipeline.build import build, load_image
from pipeline.build import builder as builder_module
from pipeline.build.builder import require_compiler
from pipeline.build.sizes import read_sizes
from pipeline.codegen.program import Program
from pipeline.errors import DoesNotFit, StepFailed, ToolMissing
from pipeline.render import render

BUILDABLE = [board_id for board_id in boards() if not load_board(board_id).platformio.framework]


def built(board_id: str, out: Path, program: Program, **more):
    board = load_board(board_id)
    project = render(board, name="tiny", out=out / "project", program=program, offline=True)
    return build(project, board, **more)


@pytest.fixture(autouse=True)
def without_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_OFFLINE", "1")


@pytest.mark.slow
@pytest.mark.parametrize("board_id", BUILDABLE)
def test_every_board_builds(board_id: str) -> None:
    board = load_board(board_id)
    image = tiny_image(board_id)
    assert image.elf.name == "firmware.elf"
    assert image.flash_model_bytes == 64
    assert image.arena_bytes == 64
    assert image.flash_bytes == image.flash_code_bytes + image.flash_model_bytes
    assert 0 < image.ram_bytes <= board.ram.bytes - board.stack_bytes
    assert load_image(image.elf.parent) == image


@pytest.mark.slow
def test_the_same_project_gives_the_same_elf_anywhere(tmp_path: Path) -> None:
    here = built("disco_f407vg", tmp_path, tiny_program())
    assert here.elf.read_bytes() == tiny_image("disco_f407vg").elf.read_bytes()


@pytest.mark.slow
def test_the_compilers_own_lines_are_shown(tmp_path: Path) -> None:
    with pytest.raises(
        StepFailed, match=r"network\.c:\d+:\d+: error: expected ';' before 'x'"
    ) as caught:
        built("disco_f407vg", tmp_path, tiny_program(body="nonsense();nonsense x;"))
    assert not (tmp_path / "firmware.elf").exists()
    assert caught.value.exit_code == 1


@pytest.mark.slow
def test_a_full_flash_is_said_in_bytes(tmp_path: Path) -> None:
    with pytest.raises(DoesNotFit, match=r"flash overflows by [\d,]+ bytes in section \.text"):
        built("disco_f407vg", tmp_path, tiny_program(weights=1 << 20))


@pytest.mark.slow
def test_a_full_ram_is_said_in_bytes(tmp_path: Path) -> None:
    with pytest.raises(DoesNotFit, match=r"RAM overflows by [\d,]+ bytes in section \.bss"):
        built("disco_f407vg", tmp_path, tiny_program(arena=1 << 17))


@pytest.mark.slow
def test_a_linker_that_does_not_know_the_chips_ram_is_checked(tmp_path: Path) -> None:
    with pytest.raises(DoesNotFit, match=r"RAM overflows by [\d,]+ bytes") as caught:
        built("uno", tmp_path, tiny_program(arena=1500))
    assert "beside 384 of stack" in caught.value.what
    assert not (tmp_path / "firmware.elf").exists()


@pytest.mark.slow
def test_a_time_limit_ends_the_build(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="took more than 0 s and was ended"):
        built("disco_f407vg", tmp_path, tiny_program(), timeout=0.2)


def test_a_missing_compiler_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder_module.shutil, "which", lambda _: None)
    with pytest.raises(ToolMissing, match="arm-none-eabi-gcc is not installed") as caught:
        require_compiler(load_board("disco_f407vg"))
    assert "gcc-arm-none-eabi" in caught.value.hint


def test_what_is_no_elf_has_no_sizes(tmp_path: Path) -> None:
    (tmp_path / "firmware.elf").write_text("no")
    with pytest.raises(StepFailed, match="not a firmware"):
        read_sizes(tmp_path / "firmware.elf")


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image.json").write_text("[]")
    with pytest.raises(StepFailed, match="not an image"):
        load_image(tmp_path)


def test_an_arduino_core_needs_the_registry(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="arduino core comes from PlatformIO's registry"):
        built("uno_r4_minima", tmp_path, tiny_program())
