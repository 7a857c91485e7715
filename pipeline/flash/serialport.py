"""Serial ports: opening them, and finding a board's by its USB ids."""

from __future__ import annotations

import contextlib
import errno
import socket
from dataclasses import dataclass
from pathlib import Path

import serial
from serial.tools import list_ports

from pipeline.board import Board, boards, load_board
from pipeline.errors import DeviceError

_READ_SECONDS = 1.0
PORT_ERRORS: tuple[type[Exception], ...] = (OSError, serial.SerialException)
"""What pyserial raises when a line has gone."""
with contextlib.suppress(ImportError):
    import termios

    PORT_ERRORS += (termios.error,)  # no OSError, whatever the line died of


@dataclass(frozen=True)
class PortInfo:
    """A serial port of this machine.

    Attributes:
        device: "/dev/ttyACM0".
        vid_pid: "VID:PID", "" where it is not USB.
        serial_number: of the USB device, "" where it has none.
        description: the maker's words.
        boards: ids of the boards whose probe or port has that VID:PID.
    """

    device: str
    vid_pid: str
    serial_number: str
    description: str
    boards: tuple[str, ...]


def ports() -> tuple[PortInfo, ...]:
    """All serial ports of this machine."""
    known = [load_board(board_id) for board_id in boards()]
    found = []
    for info in sorted(list_ports.comports(), key=lambda port: port.device):
        usb = f"{info.vid:04X}:{info.pid:04X}" if info.vid is not None else ""
        fitting = tuple(board.id for board in known if usb and usb in board.usb)
        found.append(
            PortInfo(info.device, usb, info.serial_number or "", info.description or "", fitting)
        )
    return tuple(found)


def find_port(board: Board, port: str = "") -> str:
    """The board's serial port: `port` where given, else the only one that fits its USB ids.

    Raises:
        DeviceError: none, or several (they are listed).
    """
    if port:
        return port
    fitting = [info for info in ports() if board.id in info.boards]
    if len(fitting) == 1:
        return fitting[0].device
    if not fitting:
        wanted = ", ".join(board.usb) or "unknown USB ids"
        raise DeviceError(
            f"no serial port of {board.id} ({wanted}) is connected",
            where=board.id,
            hint="connect the board or name its port with --port; `mcu ports` lists the ports",
        )
    choice = "; ".join(f"{i.device} (serial number {i.serial_number or '?'})" for i in fitting)
    raise DeviceError(
        f"{len(fitting)} serial ports fit {board.id}: {choice}",
        where=board.id,
        hint="name one with --port",
    )


def open_port(device: str, baud: int) -> serial.Serial:
    """Opens a real port (or a pyserial URL) for this process alone.

    Raises:
        DeviceError: missing, in use, or not permitted.
    """
    if "://" in device:
        return open_socket(device)
    try:
        return serial.Serial(device, baud, timeout=_READ_SECONDS, exclusive=True)
    except (serial.SerialException, OSError, ValueError) as error:
        raise _port_error(device, error) from error


def open_socket(url: str) -> serial.Serial:
    """Opens a `socket://host:port` or another of pyserial's URLs.

    Raises:
        DeviceError: nothing answers there.
    """
    try:
        port = serial.serial_for_url(url, timeout=_READ_SECONDS)
    except (serial.SerialException, OSError, ValueError) as error:
        raise DeviceError(
            f"can't be opened: {error}", where=url, hint="does the other side listen?"
        ) from error
    line = getattr(port, "_socket", None)
    if isinstance(line, socket.socket):
        # Short frames must not wait for the acknowledgement of the one before.
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return port


def _port_error(device: str, error: Exception) -> DeviceError:
    number = getattr(error, "errno", None)
    text = str(error)
    if number == errno.ENOENT or (device.startswith("/") and not Path(device).exists()):
        there = ", ".join(info.device for info in ports()) or "none"
        return DeviceError("there is no such port", where=device, hint=f"ports here: {there}")
    if number == errno.EACCES or "Permission denied" in text:
        return DeviceError(
            "no permission to open the port",
            where=device,
            hint="sudo usermod -aG dialout $USER, then log in again; or `mcu ports --udev-rules`",
        )
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return DeviceError(
            "the port is in use by another program",
            where=device,
            hint=f"`fuser {device}` tells which; end it (a serial monitor?)",
        )
    return DeviceError(f"can't be opened: {text}", where=device)
