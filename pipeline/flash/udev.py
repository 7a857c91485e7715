"""udev rules: what lets a person use probes and serial ports on Linux without being root."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.board import boards, load_board
from pipeline.flash.serialport import ports

RULES_FILE = "/etc/udev/rules.d/60-mcu-pipeline.rules"
INSTALL = (
    f"mcu ports --udev-rules | sudo tee {RULES_FILE} && "
    "sudo udevadm control --reload-rules && sudo udevadm trigger"
)


def rule(vid_pid: str) -> str:
    """The rules for one "VID:PID": whoever sits at the machine, and the group plugdev.

    The first is for probes and bootloaders, the second for serial ports, which ModemManager
    is to leave alone.
    """
    vid, pid = vid_pid.lower().split(":")
    ids = f'ATTRS{{idVendor}}=="{vid}", ATTRS{{idProduct}}=="{pid}"'
    access = 'MODE="0660", GROUP="plugdev", TAG+="uaccess"'
    return (
        f'SUBSYSTEM=="usb", {ids}, {access}\n'
        f'SUBSYSTEM=="tty", {ids}, {access}, ENV{{ID_MM_DEVICE_IGNORE}}="1"\n'
    )


def rules(ids: Iterable[str] | None = None) -> str:
    """The text of a rules file.

    Args:
        ids: "VID:PID" each; those of all boards and of what is connected by default.
    """
    if ids is None:
        known = {usb for board_id in boards() for usb in load_board(board_id).usb}
        ids = known | {port.vid_pid for port in ports() if port.vid_pid}
    text = f"# Probes and serial ports for mcu-pipeline. To install this file:\n#   {INSTALL}\n"
    return text + "".join(rule(vid_pid) for vid_pid in sorted(ids))
