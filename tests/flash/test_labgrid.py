"""A board that labgrid lends: a real coordinator, a real exporter, an emulated board's port."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_firmware import tiny_image

from pipeline.board import load_board
from pipeline.errors import DeviceError, McuError, ToolMissing, WrongUse
from pipeline.flash import connect, flash
from pipeline.flash.labgrid import client, held, place_of, program, resources
from pipeline.measure import Link, Session

BOARD = load_board("mps2_an386")
EMULATE = """
import sys
from pathlib import Path
from pipeline.board import load_board
from pipeline.flash.device import Device
from pipeline.flash.emulate import emulate
board, elf, link = sys.argv[1:]
device = Device(on="qemu", board=board, elf=Path(elf))
emulate(device, load_board(board), link=Path(link), ready=print)
"""


def wait_for(condition: Callable[[], object], what: str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def labgrid_client(*words: str) -> str:
    done = subprocess.run([client(), *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Coordinator, exporter and an emulated board; the places "desk" and "empty"."""
    try:
        bin_folder = Path(client()).resolve().parent
    except ToolMissing:
        pytest.skip("labgrid is not installed (pipx install labgrid, or MCU_LABGRID)")
    ser2net = shutil.which("ser2net") or shutil.which("/usr/sbin/ser2net")
    if ser2net is None:
        pytest.skip("ser2net is not installed (apt-get install ser2net)")
    folder = tmp_path_factory.mktemp("labgrid")
    # The exporter has ser2net listen everywhere: here it is to listen on this machine alone.
    wrapper = folder / "ser2net"
    wrapper.write_text(f"""#!{sys.executable}
import os, re, sys
words = [re.sub(r"tcp,(\\d+)$", r"tcp,127.0.0.1,\\1", word) for word in sys.argv[1:]]
os.execv({ser2net!r}, [{ser2net!r}, *words])
""")
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    image = tiny_image(BOARD.id)
    pty = folder / "board"
    port = free_port()
    address = f"127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("LG_COORDINATOR", address)
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

        def start(*words: object) -> subprocess.Popen[bytes]:
            log = stack.enter_context((folder / "log").open("ab"))
            process = subprocess.Popen([str(w) for w in words], cwd=folder, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process

        start(sys.executable, "-c", EMULATE, BOARD.id, image.elf, pty)
        wait_for(pty.is_symlink, "the emulated board never came up")
        start(bin_folder / "labgrid-coordinator", "-l", address)
        wait_for(lambda: answers(port), "the coordinator never listened")
        line = {"RawSerialPort": {"port": str(pty.readlink()), "speed": 115200}}
        (folder / "exporter.yaml").write_text(json.dumps({"desk": line}))
        start(
            bin_folder / "labgrid-exporter", "-c", address, "-n", "here",
            "--hostname", "127.0.0.1", folder / "exporter.yaml",
        )  # fmt: skip
        wait_for(lambda: "NetworkSerialPort" in labgrid_client("resources"), "nothing was exported")
        for place, match in (("desk", "here/desk/*"), ("empty", "here/nothing/*")):
            labgrid_client("-p", place, "create")
            labgrid_client("-p", place, "add-match", match)
        yield folder


@pytest.mark.slow
@pytest.mark.qemu
class TestLaboratory:
    def test_the_remote_board_answers_like_any_other(self, laboratory: Path) -> None:
        device = flash(tiny_image(BOARD.id), BOARD, on="labgrid:desk")
        assert (device.on, device.port) == ("serial", "labgrid:desk")
        with connect(device, BOARD) as line:
            session = Session(Link(line, where=device.port))
            assert session.hello()["name"] == BOARD.id
            assert session.infer(bytes([1, 2, 3, 255])).output == bytes([2, 3, 4, 0])
        assert "acquired: None" in labgrid_client("-p", "desk", "show")

    def test_what_was_acquired_before_stays_acquired(self, laboratory: Path) -> None:
        labgrid_client("-p", "desk", "acquire")
        try:
            with held("desk"):
                assert [item.cls for item in resources("desk")] == ["NetworkSerialPort"]
            assert "acquired: None" not in labgrid_client("-p", "desk", "show")
        finally:
            labgrid_client("-p", "desk", "release")

    def test_somebody_elses_place(self, laboratory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LG_USERNAME", "ada")
        labgrid_client("-p", "desk", "acquire")
        monkeypatch.delenv("LG_USERNAME")
        try:
            with pytest.raises(DeviceError, match=r"in use: .*/ada") as caught:
                flash(tiny_image(BOARD.id), BOARD, on="labgrid:desk")
            assert caught.value.exit_code == 4
        finally:
            monkeypatch.setenv("LG_USERNAME", "ada")
            labgrid_client("-p", "desk", "release")

    def test_no_such_place(self, laboratory: Path) -> None:
        with pytest.raises(DeviceError, match="no place 'attic'") as caught:
            flash(tiny_image(BOARD.id), BOARD, on="labgrid:attic")
        assert "places" in caught.value.hint

    def test_a_place_without_a_serial_line(self, laboratory: Path) -> None:
        with pytest.raises(DeviceError):
            flash(tiny_image(BOARD.id), BOARD, on="labgrid:empty")

    def test_no_coordinator(self, laboratory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LG_COORDINATOR", f"127.0.0.1:{free_port()}")
        with pytest.raises(DeviceError, match="coordinator can't be reached") as caught:
            flash(tiny_image(BOARD.id), BOARD, on="labgrid:desk")
        assert "LG_COORDINATOR" in caught.value.hint


def test_what_names_a_place() -> None:
    assert place_of("labgrid:desk") == "desk"
    assert place_of("qemu") == place_of("/dev/ttyACM0") == ""
    for name in ("labgrid:", "labgrid:--help"):
        with pytest.raises(WrongUse, match="names no place"):
            place_of(name)


@pytest.mark.slow
def test_without_labgrid_its_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tiny_image(BOARD.id)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MCU_LABGRID", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolMissing, match="labgrid is not installed") as caught:
        flash(image, BOARD, on="labgrid:desk")
    assert "pip install 'mcu-pipeline[labgrid]'" in caught.value.hint


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], Path]:
    """A labgrid-client that keeps its words and environment file, and says what it is told to."""

    def install(says: str, code: int) -> Path:
        script = tmp_path / "labgrid-client"
        script.write_text(
            f'#!/bin/sh\necho "$@" > {tmp_path}/words\ncp "$2" {tmp_path}/env.yaml\n'
            f"echo '{says}'\nexit {code}\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("MCU_LABGRID", str(script))
        return tmp_path

    return install


def test_a_remote_probe_writes_through_openocd(stand_in, tmp_path: Path) -> None:
    folder = stand_in("** Verified OK **", 0)
    program("desk", load_board("disco_f407vg"), tmp_path / "firmware.elf")
    assert f"-p desk bootstrap {tmp_path}/firmware.elf" in (folder / "words").read_text()
    main = json.loads((folder / "env.yaml").read_text())["targets"]["main"]
    assert main["resources"] == [{"RemotePlace": {"name": "desk"}}]
    driver = main["drivers"][0]["OpenOCDDriver"]
    assert driver["interface_config"] == "stlink.cfg"
    assert driver["load_commands"] == [
        "source [find target/stm32f4x.cfg]",
        "program {filename} verify reset exit",
    ]


def test_a_board_whose_file_names_its_probe(stand_in, tmp_path: Path) -> None:
    folder = stand_in("** Verified OK **", 0)
    program("desk", load_board("hifive1-revb"), tmp_path / "firmware.elf")
    main = json.loads((folder / "env.yaml").read_text())["targets"]["main"]
    assert "interface_config" not in main["drivers"][0]["OpenOCDDriver"]


def test_openocds_words_come_back_from_afar(stand_in, tmp_path: Path) -> None:
    stand_in("Error: open failed", 1)
    with pytest.raises(McuError, match="no probe of the board is connected: Error: open failed"):
        program("desk", load_board("disco_f407vg"), tmp_path / "firmware.elf")


def test_a_board_that_openocd_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="no OpenOCD configuration"):
        program("desk", load_board("uno"), tmp_path / "firmware.elf")
