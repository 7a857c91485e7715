"""What a board has to say for itself, and what is said of a bad board.toml."""

import re
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.board import boards, load_board, read_board
from pipeline.errors import WrongUse
from pipeline.resources import BOARDS, FIRMWARE

GOOD = (BOARDS / "disco_f407vg" / "board.toml").read_text()


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        folder = tmp_path / "disco_f407vg"
        folder.mkdir(exist_ok=True)
        path = folder / "board.toml"
        path.write_text(text)
        (folder / "renode.resc").touch()
        return path

    return write


@pytest.mark.parametrize("board_id", boards())
def test_every_board_loads_and_names_its_sources(board_id: str) -> None:
    board = load_board(board_id)
    assert board.id == board_id
    assert all(source.facts and source.document for source in board.sources)
    assert "built" in board.verified or not board.verified
    assert ("ran in QEMU" in board.verified) <= (board.qemu is not None)
    assert ("ran in Renode" in board.verified) <= (board.renode is not None)


@pytest.mark.parametrize("board_id", boards())
def test_the_page_says_of_a_board_what_its_file_says(board_id: str) -> None:
    page = (BOARDS.parent / "docs" / "boards.md").read_text()
    row = re.search(rf"^\| `{re.escape(board_id)}` \| (.*) \|$", page, re.M)
    assert row is not None, "docs/boards.md has no row for it"
    board = load_board(board_id)
    assert row[1].split(" | ") == [
        board.mcu,
        board.core,
        next(iter(board.platformio.upload), "virtual"),
        ", ".join(board.verified) or "nothing",
    ]


@pytest.mark.parametrize("folder", sorted(p.parent for p in FIRMWARE.glob("ports/*/port.toml")))
def test_every_port_has_a_linker_script_and_a_board(folder: Path) -> None:
    settings = tomllib.loads((folder / "port.toml").read_text())
    if "linker" in settings:
        assert (FIRMWARE / "ports" / settings["linker"]).is_file()
    for family in settings.get("shared", []):
        assert (FIRMWARE / "ports" / family).is_dir()
    assert folder.name in {load_board(board_id).port for board_id in boards()}


def test_two_names_for_one_board_are_a_mistake_found_early() -> None:
    with pytest.raises(WrongUse, match="no board 'disco_f407'") as caught:
        load_board("disco_f407")
    assert "disco_f407vg" in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "line_has", "says"),
    [
        ('core = "cortex-m4"', "", 'id = "disco', "core: is missing"),
        ("clock_hz = 168_000_000", 'clock_hz = "fast"', "clock_hz", "whole number"),
        ("stack_bytes = 8192", "stack_bytes = 0", "stack_bytes", "64 or more"),
        ("stack_bytes = 8192", "stack_bytes = 9_000_000", "stack_bytes", "larger than the RAM"),
        ('family = "stm32f4"', 'family = "stm99"', "family", "no firmware/ports/stm99"),
        ('toolchain = "arm-none-eabi"', 'toolchain = "gcc"', "toolchain", "one of arm-none-eabi"),
        ('features = ["dsp", "fpu"]', 'features = ["dsp", 3]', "features", "list of texts"),
        ('name = "USART2"', 'nam = "USART2"', "[uart]", "uart.name: is missing"),
        ("serial = 1", "serial = 1\nseriall = 2", "seriall", "did you mean serial?"),
        ('verified = ["built"', 'verified = ["dreamt"', "verified", "none of built"),
        ('"0483:374B"', '"483-374b"', "usb", "not of the form"),
        ("origin = 0x0800_0000, ", "", "flash = {", "memory.flash.origin: is missing"),
        ('id = "disco_f407vg"', 'id = "disco"', 'id = "disco"', "folder's name"),
    ],
)
def test_a_bad_field_is_named_with_file_and_line(
    written, old: str, new: str, line_has: str, says: str
) -> None:
    assert old in GOOD
    path = written(GOOD.replace(old, new, 1))
    with pytest.raises(WrongUse) as caught:
        read_board(path)
    assert says in caught.value.what
    file, _, line = caught.value.where.rpartition(":")
    assert file == str(path)
    assert line_has in path.read_text().splitlines()[int(line) - 1]


@pytest.mark.parametrize("board_id", boards())
def test_a_file_from_windows_says_the_same(board_id: str, tmp_path: Path) -> None:
    """With CRLF, and with the mark that its editors put in front."""
    folder = tmp_path / board_id
    shutil.copytree(BOARDS / board_id, folder)
    path = folder / "board.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert replace(read_board(path), folder=BOARDS / board_id) == load_board(board_id)


def test_toml_that_does_not_parse_is_named_with_its_line(written) -> None:
    path = written('id = "disco_f407vg"\nname = [\n=')
    with pytest.raises(WrongUse, match="not valid TOML") as caught:
        read_board(path)
    assert caught.value.where.startswith(f"{path}:")


def test_a_board_without_sources_is_refused(written) -> None:
    with pytest.raises(WrongUse, match="name the manuals"):
        read_board(written(GOOD.partition("[[sources]]")[0]))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="can't be read"):
        read_board(tmp_path / "x" / "board.toml")
