"""Finding and opening serial ports."""

import os
import pty
import socket
from types import SimpleNamespace

import pytest

from pipeline.board import load_board
from pipeline.errors import DeviceError
from pipeline.flash import serialport
from pipeline.flash.serialport import find_port, open_port, ports

DISCO = load_board("disco_f407vg")


def usb(device: str, pid: int, number: str) -> SimpleNamespace:
    return SimpleNamespace(
        device=device, vid=0x0483, pid=pid, serial_number=number, description="ST-Link"
    )


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch):
    def connect(*found: SimpleNamespace) -> None:
        monkeypatch.setattr(serialport.list_ports, "comports", lambda: list(found))

    return connect


def test_ports_are_matched_by_their_usb_ids(connected) -> None:
    plain = SimpleNamespace(
        device="/dev/ttyS0", vid=None, pid=None, serial_number=None, description="n/a"
    )
    connected(usb("/dev/ttyACM0", 0x374B, "A1"), plain)
    first, second = ports()
    assert first.vid_pid == "0483:374B"
    assert "disco_f407vg" in first.boards
    assert second.boards == ()


def test_the_only_fitting_port_is_taken(connected) -> None:
    connected(usb("/dev/ttyACM3", 0x374B, "A1"), usb("/dev/ttyACM4", 0x9999, "B"))
    assert find_port(DISCO) == "/dev/ttyACM3"


def test_several_fitting_ports_are_shown_and_none_is_guessed(connected) -> None:
    connected(usb("/dev/ttyACM0", 0x374B, "A1"), usb("/dev/ttyACM1", 0x374B, "B2"))
    with pytest.raises(DeviceError, match=r"2 serial ports fit.*ACM0 \(serial number A1\).*B2"):
        find_port(DISCO)
    assert find_port(DISCO, "/dev/ttyACM1") == "/dev/ttyACM1"


def test_no_fitting_port_is_an_error_of_the_device(connected) -> None:
    connected()
    with pytest.raises(DeviceError, match="no serial port of disco_f407vg") as caught:
        find_port(DISCO)
    assert caught.value.exit_code == 4


def test_a_missing_port_is_said() -> None:
    with pytest.raises(DeviceError, match="no such port"):
        open_port("/dev/ttyNOTHERE", 115200)


def test_a_port_in_use_is_said() -> None:
    master, slave = pty.openpty()
    try:
        name = os.ttyname(slave)
        first = open_port(name, 115200)
        with pytest.raises(DeviceError, match="in use by another program"):
            open_port(name, 115200)
        first.close()
    finally:
        os.close(master)
        os.close(slave)


def test_a_port_without_permission_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(serialport.serial, "Serial", refuse)
    with pytest.raises(DeviceError, match="no permission") as caught:
        open_port("/dev/null", 115200)
    assert "dialout" in caught.value.hint


def test_a_socket_nobody_listens_on_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    with pytest.raises(DeviceError, match="can't be opened"):
        open_port(f"socket://127.0.0.1:{number}", 115200)
