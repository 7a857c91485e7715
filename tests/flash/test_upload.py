"""What uploaders say, in our words and in theirs."""

import os
from pathlib import Path

import pytest
from tiny_program import tiny_program

from pipeline.board import load_board
from pipeline.errors import DeviceError, ToolMissing, WrongUse
from pipeline.flash.upload import upload, upload_error
from pipeline.render import render

DISCO = load_board("disco_f407vg")


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("Error: open failed", "no probe of the board is connected"),
        ("Error: libusb_open() failed with LIBUSB_ERROR_ACCESS", "no permission"),
        ("Warn : UNEXPECTED idcode: 0x1ba01477", "another one"),
        ("Error: stm32x device security bit set", "locked"),
        ("Error: ** Verify Failed **", "does not read back"),
    ],
)
def test_the_tools_words_are_kept_and_explained(line: str, meaning: str) -> None:
    error = upload_error(DISCO, f"Configuring upload protocol...\n{line}\n*** [upload] Error 1\n")
    assert meaning in error.what
    assert line in error.what
    assert error.exit_code == 4


def test_an_unknown_failure_shows_the_last_lines() -> None:
    error = upload_error(DISCO, "one\ntwo\n")
    assert "one" in error.what
    assert "two" in error.what


def test_a_virtual_board_can_not_be_flashed(tmp_path) -> None:
    with pytest.raises(WrongUse, match="virtual board"):
        upload(load_board("mps2_an386"), tmp_path)


def test_a_probe_needs_the_project() -> None:
    with pytest.raises(WrongUse, match="project is needed"):
        upload(DISCO, None)


def test_a_missing_uploader_names_its_package() -> None:
    error = upload_error(DISCO, "Error: openocd is not on PATH (without the registry)")
    assert isinstance(error, ToolMissing)
    assert "apt-get install openocd" in error.hint


@pytest.fixture
def uploader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A stand-in that writes down how it was called, and says what it is told to."""

    def install(says: str, code: int, name: str = "openocd") -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / name
        program.write_text(
            f"#!/bin/sh\necho \"$@\" >> {tmp_path}/called\necho '{says}'\nexit {code}\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("MCU_OFFLINE", "1")
        return tmp_path / "called"

    return install


@pytest.mark.slow
def test_the_local_platform_calls_openocd(uploader, tmp_path: Path) -> None:
    called = uploader("** Verified OK **", 0)
    project = render(DISCO, name="tiny", out=tmp_path / "p", program=tiny_program(), offline=True)
    upload(DISCO, project.path)
    words = called.read_text()
    assert "interface/stlink.cfg -f target/stm32f4x.cfg -c program {" in words
    assert "firmware.elf} verify reset exit" in words


@pytest.mark.slow
def test_openocds_words_come_back(uploader, tmp_path: Path) -> None:
    uploader("Error: open failed", 1)
    project = render(DISCO, name="tiny", out=tmp_path / "p", program=tiny_program(), offline=True)
    with pytest.raises(DeviceError, match="no probe of the board is connected: Error: open failed"):
        upload(DISCO, project.path)


@pytest.mark.slow
def test_a_failing_verify_is_tried_once_more(uploader, tmp_path: Path) -> None:
    called = uploader("Error: ** Verify Failed **", 1)
    project = render(DISCO, name="tiny", out=tmp_path / "p", program=tiny_program(), offline=True)
    with pytest.raises(DeviceError, match="does not read back the same"):
        upload(DISCO, project.path)
    assert called.read_text().count("program {") == 2


@pytest.mark.slow
def test_a_bootloader_is_written_over_the_serial_port(uploader, tmp_path: Path) -> None:
    called = uploader("avrdude done.  Thank you.", 0, "avrdude")
    uno = load_board("uno")
    project = render(uno, name="tiny", out=tmp_path / "p", program=tiny_program(), offline=True)
    upload(uno, project.path, port="/dev/ttyACM7")
    assert "-p atmega328p -c arduino -P /dev/ttyACM7" in called.read_text()
    hexes = (project.path / ".pio/build/uno/firmware.hex").read_text().splitlines()
    assert hexes[0].startswith(":10000000")


def test_a_bootloader_needs_a_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.flash.serialport.list_ports.comports", list)
    with pytest.raises(DeviceError, match="no serial port of uno"):
        upload(load_board("uno"), tmp_path)
