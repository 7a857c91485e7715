"""What uploaders say, in our words and in theirs."""

import pytest

from pipeline.board import load_board
from pipeline.errors import WrongUse
from pipeline.flash.upload import upload, upload_error

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
