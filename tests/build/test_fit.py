"""What does not fit is refused with numbers and with boards that would do."""

import pytest

from pipeline.board import load_board
from pipeline.build.fit import boards_that_fit, check_before_build, overflow_error
from pipeline.errors import DoesNotFit

LINKER = """\
/usr/bin/arm-none-eabi-ld: .pio/build/x/firmware.elf section `.text' will not fit in region `FLASH'
/usr/bin/arm-none-eabi-ld: region `FLASH' overflowed by 4242 bytes
"""


def test_a_model_larger_than_flash_is_refused_before_building() -> None:
    board = load_board("disco_f407vg")
    with pytest.raises(DoesNotFit) as caught:
        check_before_build(board, model_bytes=board.flash.bytes + 10, arena_bytes=9000)
    assert "flash overflows by 10 bytes in section .text" in caught.value.what
    assert "it would fit pico, nucleo_h743zi" in caught.value.hint
    assert caught.value.exit_code == 3


def test_an_arena_larger_than_ram_is_refused_before_building() -> None:
    board = load_board("disco_f407vg")
    with pytest.raises(DoesNotFit, match=r"RAM overflows by 8,192 bytes in section \.bss"):
        check_before_build(board, model_bytes=0, arena_bytes=board.ram.bytes)
    check_before_build(board, model_bytes=board.flash.bytes, arena_bytes=0)


def test_the_linkers_words_become_numbers() -> None:
    error = overflow_error(load_board("disco_f407vg"), LINKER)
    assert error is not None
    assert "flash overflows by 4,242 bytes in section .text" in error.what
    assert "it would fit" in error.hint


def test_ram_overflow_names_ram() -> None:
    words = LINKER.replace("FLASH", "RAM").replace(".text", ".bss")
    error = overflow_error(load_board("disco_f407vg"), words)
    assert error is not None
    assert "RAM overflows by 4,242 bytes in section .bss" in error.what


def test_other_output_is_no_overflow() -> None:
    assert overflow_error(load_board("disco_f407vg"), "all is well") is None


def test_boards_that_fit_are_sorted_real_ones_first() -> None:
    assert boards_that_fit(1 << 40, 0) == ()
    fitting = boards_that_fit(1 << 20, 1 << 16)
    assert "disco_f407vg" in fitting
    assert fitting.index("disco_f407vg") < fitting.index("mps2_an386")


def test_avr_libcs_linker_script_has_its_own_names() -> None:
    error = overflow_error(load_board("uno"), "ld: region `text' overflowed by 272 bytes\n")
    assert error is not None
    assert "flash overflows by 272 bytes" in error.what
