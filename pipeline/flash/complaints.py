"""What uploaders say when they fail, and what it means: one table for all of them.

The words are those of OpenOCD 0.12, stlink 1.8, pyOCD 0.36, J-Link Commander 7, picotool 2.0,
dfu-util 0.11, esptool 4 and 5, avrdude 7; tests/flash/test_complaints.py holds what they print.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Complaint:
    """One meaning.

    Attributes:
        meaning: in our words.
        hint: what a person can do.
        words: parts of lines that mean it, in lower case.
        retry: a second attempt, which starts with a reset, may cure it.
    """

    meaning: str
    hint: str
    words: tuple[str, ...]
    retry: bool = False


PERMISSION = "no permission to use the probe"

# The first that has a line in the output is taken: causes stand before their consequences.
COMPLAINTS = (
    Complaint(
        PERMISSION,
        "`mcu ports --udev-rules` prints the rule that allows it, and how to install it",
        (
            "libusb_error_access",  # OpenOCD, stlink, dfu-util
            "insufficient permissions",  # pyOCD, by way of PyUSB
            "but picotool was unable to connect",
            "permission denied",  # avrdude, esptool: the serial port
        ),
    ),
    Complaint(
        "the chip is locked",
        "unlock it with the maker's tool (this erases it), then flash again",
        (
            "ap lock engaged",  # OpenOCD, nRF5x
            "device protected",  # OpenOCD, STM32: "stm32x device protected"
            "device security bit set",  # OpenOCD, SAM
            "readout protection",
            "read-out protection",
            "approtect enabled",  # pyOCD
            "ctrl-ap indicates that the device is secured",  # J-Link
            "secured atmel samd device",  # J-Link
            "secure download mode",  # esptool
            "device is locked",
        ),
    ),
    Complaint(
        "the connected chip is another one",
        "is the right board connected, and the right one named with --board?",
        (
            "unexpected idcode",  # OpenOCD
            "expected 1 of",  # OpenOCD
            "cannot identify target as",  # OpenOCD
            "unknown chip id",  # stlink
            "wrong --chip argument",  # esptool 4
            "wrong chip argument",  # esptool 5
            "expected signature for",  # avrdude
        ),
    ),
    Complaint(
        "what was written does not read back the same",
        "check cable and supply; another try may do",
        (
            "verify failed",  # OpenOCD, J-Link
            "checksum mismatch",  # OpenOCD
            "verification of flash failed",  # stlink
            "device contents did not match",  # picotool
            "md5 of file does not match",  # esptool
            "verification error",  # avrdude
            "verification mismatch",  # avrdude 7
        ),
        retry=True,
    ),
    Complaint(
        "no probe of the board is connected",
        "connect it; `mcu ports` lists what is there",
        (
            "error: open failed",  # OpenOCD, ST-LINK
            "unable to find a matching cmsis-dap",  # OpenOCD
            "no j-link device found",  # OpenOCD
            "no device found",  # OpenOCD
            "unable to open ftdi",  # OpenOCD
            "libusb_error_no_device",
            "libusb_error_not_found",
            "couldn't find any st-link",  # stlink
            "no available debug probes",  # pyOCD
            "no connected debug probes",  # pyOCD
            "connecting to j-link via usb...failed",
            "no emulators connected",  # J-Link
            "devices in bootsel mode were found",  # picotool: "No accessible ..."
            "no dfu capable usb device",  # dfu-util
            "can't open device",  # avrdude
            "cannot open port",  # avrdude 7
            "could not open",  # esptool
            "couldn't find an available",
        ),
    ),
    Complaint(
        "the chip does not answer",
        "is it powered, and wired to the probe? Hold its reset button while flashing starts",
        (
            "init mode failed",  # OpenOCD, ST-LINK
            "error connecting dp",  # OpenOCD
            "target not examined",  # OpenOCD
            "failed to connect to target",  # stlink
            "no ack received",  # pyOCD
            "cannot connect to target",  # J-Link
            "not in sync",  # avrdude
            "programmer is not responding",  # avrdude
            "failed to connect to esp",  # esptool
            "timed out",
            "timeout",
        ),
        retry=True,
    ),
)


def complaint_of(output: str) -> tuple[Complaint, str] | None:
    """What an uploader's output means, and the line that says so; None where nothing is known."""
    lines = [line.strip() for line in output.splitlines()]
    for complaint in COMPLAINTS:
        for line in lines:
            if any(word in line.lower() for word in complaint.words):
                return complaint, line
    return None
