"""The tools' words: what each uploader prints, and what is made of it."""

import pytest

from pipeline.board import load_board
from pipeline.flash.complaints import COMPLAINTS, complaint_of
from pipeline.flash.udev import INSTALL, rule, rules
from pipeline.flash.upload import upload_error

NO_PROBE = "no probe of the board is connected"
PERMISSION = "no permission to use the probe"
LOCKED = "the chip is locked"
OTHER_CHIP = "the connected chip is another one"
VERIFY = "what was written does not read back the same"
SILENT = "the chip does not answer"

# Tool, what it prints, the meaning, the line that is shown.
TRANSCRIPTS = [
    ("openocd", "Info : clock speed 2000 kHz\nError: open failed\n", NO_PROBE, "open failed"),
    (
        "openocd",
        "Error: unable to find a matching CMSIS-DAP device\n\n** OpenOCD init failed **\n",
        NO_PROBE,
        "CMSIS-DAP",
    ),
    ("openocd", "Error: No J-Link device found\n", NO_PROBE, "No J-Link"),
    (
        "openocd",
        "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\nError: open failed\n",
        PERMISSION,
        "LIBUSB_ERROR_ACCESS",
    ),
    (
        "openocd",
        "Info : STLINK V2J37S7 (API v2) VID:PID 0483:3748\n"
        "Warn : UNEXPECTED idcode: 0x2ba01477\nError: expected 1 of 1: 0x1ba01477\n",
        OTHER_CHIP,
        "0x2ba01477",
    ),
    (
        "openocd",
        "Error: stm32x device protected\nError: failed erasing sectors 0 to 2\n",
        LOCKED,
        "stm32x device protected",
    ),
    (
        "openocd",
        "Error: Could not find MEM-AP to control the core\n****** WARNING ******\n"
        "nRF52 device has AP lock engaged (see UICR APPROTECT register).\n",
        LOCKED,
        "AP lock engaged",
    ),
    (
        "openocd",
        "** Verify Started **\nError: checksum mismatch - attempting binary compare\n"
        "** Verify Failed **\n",
        VERIFY,
        "checksum mismatch",
    ),
    ("openocd", "Error: init mode failed (unable to connect to the target)\n", SILENT, "init mode"),
    ("openocd", "Error: Error connecting DP: cannot read IDR\n", SILENT, "cannot read IDR"),
    (
        "st-flash",
        "st-flash 1.6.1\nWARN common.c: unknown chip id! 0x5fa0004\nFailed to connect to target\n",
        OTHER_CHIP,
        "0x5fa0004",
    ),
    ("st-flash", "WARN usb.c: Couldn't find any ST-Link devices\n", NO_PROBE, "ST-Link"),
    (
        "st-flash",
        "ERROR common_flash.c: Verification of flash failed at offset: 512\n",
        VERIFY,
        "offset: 512",
    ),
    ("pyocd", "0000312 C No available debug probes are connected [__main__]\n", NO_PROBE, "No av"),
    (
        "pyocd",
        "0000228 W NRF52840 APPROTECT enabled: not automatically unlocking [target_nRF52]\n",
        LOCKED,
        "NRF52840",
    ),
    ("pyocd", "usb.core.USBError: [Errno 13] Access denied (insufficient permissions)\n",
     PERMISSION, "Errno 13"),
    ("jlink", "Connecting to J-Link via USB...FAILED: Cannot connect to J-Link.\n", NO_PROBE, "US"),
    (
        "jlink",
        "Connecting to target via SWD\nCTRL-AP indicates that the device is secured.\n"
        "Cannot connect to target.\n",
        LOCKED,
        "CTRL-AP",
    ),
    ("jlink", "Connecting to target via SWD\nCannot connect to target.\n", SILENT, "Cannot conn"),
    (
        "picotool",
        "No accessible RP-series devices in BOOTSEL mode were found.\n",
        NO_PROBE,
        "BOOTSEL",
    ),
    (
        "picotool",
        "No accessible RP2040 devices in BOOTSEL mode were found.\n\nbut:\n\n"
        "Device at bus 1, address 7 appears to be a RP2040 device in BOOTSEL mode, "
        "but picotool was unable to connect\n",
        PERMISSION,
        "address 7",
    ),
    (
        "picotool",
        "Verifying Flash:      [====]  100%\n  FAILED\n"
        "ERROR: The device contents did not match the file\n",
        VERIFY,
        "did not match",
    ),
    ("dfu-util", "dfu-util: No DFU capable USB device available\n", NO_PROBE, "No DFU"),
    (
        "esptool",
        "A fatal error occurred: This chip is ESP32-S3, not ESP32-C3. Wrong --chip argument?\n",
        OTHER_CHIP,
        "ESP32-S3",
    ),
    (
        "esptool",
        "A fatal error occurred: Failed to connect to ESP32-C3: No serial data received.\n",
        SILENT,
        "No serial data",
    ),
    (
        "esptool",
        "A fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or doesn't exist.\n",
        NO_PROBE,
        "/dev/ttyUSB0",
    ),
    (
        "esptool",
        "A fatal error occurred: MD5 of file does not match data in flash!\n",
        VERIFY,
        "MD5",
    ),
    (
        "avrdude",
        "avrdude: Device signature = 0x1e9406\n"
        "avrdude: Expected signature for ATmega328P is 1E 95 0F\n"
        "Double check chip, or use -F to override this check.\n",
        OTHER_CHIP,
        "1E 95 0F",
    ),
    (
        "avrdude",
        "avrdude: verification error, first mismatch at byte 0x0002\n         0x42 != 0x83\n",
        VERIFY,
        "0x0002",
    ),
    (
        "avrdude",
        'avrdude: ser_open(): can\'t open device "/dev/ttyACM0": Permission denied\n',
        PERMISSION,
        "/dev/ttyACM0",
    ),
    (
        "avrdude",
        "avrdude: stk500_getsync() attempt 10 of 10: not in sync: resp=0x00\n",
        SILENT,
        "not in sync",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "output", "meaning", "shown"), TRANSCRIPTS)
def test_the_tools_words_are_understood(tool: str, output: str, meaning: str, shown: str) -> None:
    found = complaint_of(f"Configuring upload protocol...\n{output}*** [upload] Error 1\n")
    assert found is not None, tool
    assert found[0].meaning == meaning
    assert shown in found[1]


def test_every_meaning_has_a_transcript() -> None:
    assert {meaning for _, _, meaning, _ in TRANSCRIPTS} == {c.meaning for c in COMPLAINTS}


def test_words_are_compared_in_lower_case() -> None:
    words = [word for complaint in COMPLAINTS for word in complaint.words]
    assert words == [word.lower() for word in words]


def test_only_what_a_reset_can_cure_is_tried_again() -> None:
    assert {c.meaning for c in COMPLAINTS if c.retry} == {VERIFY, SILENT}


def test_what_went_well_is_no_complaint() -> None:
    assert (
        complaint_of("** Programming Started **\n** Verified OK **\n** Resetting Target **") is None
    )


def test_a_missing_permission_comes_with_the_boards_rule() -> None:
    error = upload_error(
        load_board("disco_f407vg"), "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\n"
    )
    assert "mcu ports --udev-rules" in error.hint
    assert 'ATTRS{idVendor}=="0483", ATTRS{idProduct}=="374b"' in error.hint


def test_the_rules_name_every_boards_ids_and_how_to_install_them() -> None:
    text = rules()
    assert INSTALL in text
    for board_id in ("disco_f407vg", "uno", "pico", "esp32-c3-devkitm-1"):
        for usb in load_board(board_id).usb:
            assert rule(usb) in text
    assert rules(["0483:374B"]).count('SUBSYSTEM=="usb"') == 1
