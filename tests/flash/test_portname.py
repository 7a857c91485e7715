"""What counts as the name of a serial port: less in a file than typed by a person."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path

import pytest

from pipeline.board import load_board
from pipeline.errors import WrongUse
from pipeline.flash import Device, connect
from pipeline.flash.portname import check_host, check_port
from pipeline.run import Run
from pipeline.steps.artifacts import device_of

DISCO = load_board("disco_f407vg")
HOSTILE = [
    "spy:///dev/ttyACM0?file=/tmp/written",
    "spy://socket://localhost:1?file=written",
    "alt:///dev/ttyACM0?class=VTIMESerial",
    "hwgrep://.*",
    "loop://",
    "loop://?logging=debug",
    "cp2110://",
    "socket://localhost:1?logging=debug",
    "socket://localhost:1/../x",
    "rfc2217://h:1?logging=debug",
    "rfc2217://h:1?ign_set_control&timeout=5&logging=debug",
    "socket://h:1\n",
    "SPY://x",
    "labgrid:-p",
    "labgrid:",
    "labgrid:a b",
    "dev/ttyACM0",
    "/dev/ttyACM0\0",
    "x://y",
    "COM1234",
    "",
]
ONLY_TYPED = ["socket://board.local:4000", "rfc2217://[::1]:2217", "/home/me/new", "/dev/watchdog"]
EVERYWHERE = [
    "/dev/ttyACM0",
    "/dev/ttyUSB12",
    "/dev/ttyS0",
    "/dev/ttyAMA0",
    "/dev/rfcomm0",
    "/dev/cu.usbmodem14201",
    "/dev/tty.usbserial-A10K",
    "/dev/pts/4",
    "COM3",
    r"\\.\COM12",
    "labgrid:desk-3",
]


@pytest.mark.parametrize("port", HOSTILE)
@pytest.mark.parametrize("typed", [False, True])
def test_what_is_no_port_is_refused_whoever_says_it(port: str, typed: bool) -> None:
    with pytest.raises(WrongUse):
        check_port(port, typed=typed)


@pytest.mark.parametrize("port", ONLY_TYPED)
def test_some_names_are_for_people_alone(port: str) -> None:
    check_port(port, typed=True)
    with pytest.raises(WrongUse):
        check_port(port, typed=False)


@pytest.mark.parametrize("port", EVERYWHERE)
def test_a_serial_device_may_stand_in_a_file(port: str) -> None:
    check_port(port, typed=False)
    check_port(port, typed=True)


def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    (tmp_path / "board").symlink_to(os.ttyname(slave))
    check_port(str(tmp_path / "board"), typed=False)
    (tmp_path / "other").symlink_to("/dev/tty0")
    with pytest.raises(WrongUse):
        check_port(str(tmp_path / "other"), typed=False)
    os.close(master)
    os.close(slave)


def run_with(folder: Path, **device: object) -> Run:
    (folder / "steps.json").write_text("{}")
    (folder / "firmware.elf").write_bytes(b"\x7fELF")
    plain = {"on": "serial", "board": DISCO.id, "port": "", "baud": 115200, "elf": "firmware.elf"}
    (folder / "device.json").write_text(json.dumps({**plain, **device}))
    return Run(folder)


def test_a_run_folder_of_somebody_else_opens_no_url(tmp_path: Path) -> None:
    """As pyserial would: `spy://` creates the file it is told to log to."""
    written = tmp_path / "written"
    run = run_with(tmp_path, port=f"spy:///dev/null?file={written}")
    with pytest.raises(WrongUse, match="no serial port"), connect(device_of(run), DISCO):
        pass
    assert not written.exists()


def test_a_network_port_has_to_be_typed_again(tmp_path: Path) -> None:
    run = run_with(tmp_path, port="socket://127.0.0.1:9")
    with pytest.raises(WrongUse, match="another machine") as caught, connect(device_of(run), DISCO):
        pass
    assert caught.value.hint == "if it is yours, say so: --port socket://127.0.0.1:9"
    assert device_of(run, "socket://127.0.0.1:9").typed


@pytest.mark.parametrize(
    "damage",
    [{"on": "everywhere"}, {"baud": "fast"}, {"baud": -1}, {"baud": True}, {"port": 3},
     {"board": None}, {"baud": 1 << 40}],
)  # fmt: skip
def test_a_damaged_device_json_is_said(tmp_path: Path, damage: dict[str, object]) -> None:
    with pytest.raises(WrongUse, match="is damaged"):
        device_of(run_with(tmp_path, **damage))


def test_unknown_keys_mean_nothing(tmp_path: Path) -> None:
    run = run_with(tmp_path, typed=True, port="socket://127.0.0.1:9")
    assert device_of(run) == Device(
        "serial", DISCO.id, tmp_path / "firmware.elf", "socket://127.0.0.1:9"
    )
    assert not device_of(run).typed


@pytest.mark.parametrize(
    ("host", "port", "good"),
    [("127.0.0.1", 4000, True), ("lab.example.org", "4000", True), ("h?logging=debug", 1, False),
     ("h", "1/x", False), ("", 1, False), (None, None, False)],
)  # fmt: skip
def test_what_an_exporter_says_is_a_host_and_a_port(host: object, port: object, good: bool) -> None:
    assert check_host(host, port) is good
