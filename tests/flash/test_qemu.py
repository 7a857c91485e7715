"""Firmware in QEMU: it boots, answers, counts exactly; and no process stays behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_firmware import tiny_image
from tiny_program import tiny_program

from pipeline.board import Qemu, boards, load_board
from pipeline.build import build
from pipeline.errors import DeviceError, FirmwareCrashed, LinkError, ToolMissing, WrongUse
from pipeline.flash import Device, connect, flash
from pipeline.flash import flasher as flasher_module
from pipeline.flash import qemu as qemu_module
from pipeline.render import render

EMULATED = [board_id for board_id in boards() if load_board(board_id).qemu]
DISCO = load_board("disco_f407vg")


def firmware(board_id: str, out: Path, body: str = ""):
    board = load_board(board_id)
    program = tiny_program(body=body)
    project = render(board, name="tiny", out=out / "project", program=program, offline=True)
    return build(project, board)


def ask(line, command: bytes) -> bytes:
    line.timeout = 5
    line.write(command)
    return line.read_until(b"m-ready\r\n")


def qemu_children() -> list[int]:
    import psutil

    return [c.pid for c in psutil.Process().children(recursive=True) if "qemu" in c.name()]


@pytest.fixture
def disco():
    return tiny_image("disco_f407vg")


@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.parametrize("board_id", EMULATED)
def test_every_emulated_board_boots_and_answers(board_id: str) -> None:
    board = load_board(board_id)
    image = tiny_image(board_id)
    device = flash(image, board, "qemu")
    assert device == Device("qemu", board_id, image.elf)
    with connect(device, board) as line:
        line.timeout = 10
        line.read_until(b"m-ready\r\n")
        assert f"[{board_id}]".encode() in ask(line, b"name%")
    assert qemu_children() == []


@pytest.mark.qemu
@pytest.mark.slow
def test_a_crash_in_the_model_shows_the_registers(tmp_path: Path) -> None:
    broken = firmware("disco_f407vg", tmp_path, body='__asm volatile("udf #0");')
    device = flash(broken, DISCO, "qemu")
    with connect(device, DISCO) as line:
        line.timeout = 5
        line.read_until(b"m-ready\r\n")
        line.write(b"db load 4%db 00000000%infer 1 0%")
        heard = line.read_until(b"]", 2000)
        while b"e-[" not in heard:
            more = line.read_until(b"]", 2000)
            assert more, heard
            heard += more
        assert b"fault" in heard
        assert b"pc=" in heard
        # The handler polls the line, since no interrupt comes through: it says it again.
        line.write(b"%")
        again = line.read_until(b"]\r\n", 2000)
        assert b"e-[fault" in again


@pytest.mark.qemu
@pytest.mark.slow
def test_no_qemu_stays_behind_after_an_exception(disco) -> None:
    device = Device("qemu", DISCO.id, disco.elf)
    with pytest.raises(RuntimeError), connect(device, DISCO):
        assert len(qemu_children()) == 1
        raise RuntimeError
    assert qemu_children() == []


@pytest.mark.qemu
@pytest.mark.slow
def test_no_qemu_stays_behind_when_we_are_killed(disco, tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from pipeline.board import load_board\n"
        "from pipeline.flash import Device, connect\n"
        "from psutil import Process\n"
        "device = Device('qemu', 'disco_f407vg', Path(sys.argv[1]))\n"
        "with connect(device, load_board('disco_f407vg')):\n"
        "    print(Process().children()[0].pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(disco.elf)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        qemu = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{qemu}").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{qemu}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{qemu}").exists()


@pytest.mark.qemu
def test_qemus_own_words_are_passed_on(tmp_path: Path) -> None:
    (tmp_path / "firmware.elf").write_bytes(b"\0" * 64)
    board = replace(DISCO, qemu=Qemu("qemu-system-arm", "no-such-machine", 0, ()))
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not installed")
    device = Device("qemu", board.id, tmp_path / "firmware.elf")
    says = r"ended with code 1 and said: .*unsupported machine"
    with pytest.raises(DeviceError, match=says), connect(device, board) as line:
        line.timeout = 5
        while line.read(1):
            pass
        raise LinkError("silence")


def test_a_missing_firmware_is_said(tmp_path: Path) -> None:
    nothing = Device("qemu", DISCO.id, tmp_path / "none.elf")
    with pytest.raises(DeviceError, match="no such firmware"), connect(nothing, DISCO):
        pass


def test_a_missing_qemu_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu_module.shutil, "which", lambda name: name == "apt-get" or None)
    with pytest.raises(ToolMissing, match="qemu-system-arm is not installed") as caught:
        qemu_module.qemu_program(DISCO)
    assert "apt-get install qemu-system-arm" in caught.value.hint


def test_a_board_without_a_machine_is_refused() -> None:
    with pytest.raises(WrongUse, match="QEMU has no machine"):
        qemu_module.qemu_program(replace(DISCO, qemu=None))


class FakeLine:
    def __init__(self, says: bytes) -> None:
        self.says = says
        self.timeout = 0.0

    @property
    def in_waiting(self) -> int:
        return len(self.says)

    def read(self, count: int) -> bytes:
        head, self.says = self.says[:count], self.says[count:]
        return head


def test_silence_is_reported_with_what_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flasher_module, "BOOT_SECONDS", 0.1)
    with pytest.raises(LinkError, match=r"silent.*heard m-init"):
        flasher_module.hear_ready(FakeLine(b"m-init\r\n"), DISCO)


class Emulated(FakeLine):
    """Says something once it has had enough of the processor."""

    def __init__(self, share: float, needs: float) -> None:
        super().__init__(b"")
        self.begun, self.share, self.needs = time.monotonic(), share, needs

    def spent(self) -> float:
        return 1000.0 + self.share * (time.monotonic() - self.begun)

    def read(self, count: int) -> bytes:
        time.sleep(0.01)
        ready = self.spent() - 1000.0 > self.needs
        return b"m-ready\r\n" if ready else b""


def test_an_emulator_without_a_turn_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flasher_module, "BOOT_SECONDS", 0.1)
    flasher_module.hear_ready(Emulated(share=0.1, needs=0.08), DISCO)
    with pytest.raises(LinkError, match="silent"):
        flasher_module.hear_ready(Emulated(share=1.0, needs=60.0), DISCO)


class LosesTheFirst(FakeLine):
    """Native USB: what is sent before both ends know each other is lost."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.asked = 0

    def write(self, data: bytes) -> None:
        self.asked += 1
        self.says = b"m-name-dut-[x]\r\nm-ready\r\n" if self.asked > 1 else b""


def test_a_board_that_loses_the_first_question_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flasher_module, "_ASK_AGAIN_SECONDS", 0.05)
    line = LosesTheFirst()
    flasher_module.hear_ready(line, DISCO, ask=True)
    assert line.asked == 2


def test_a_fault_at_start_is_a_crash() -> None:
    with pytest.raises(FirmwareCrashed, match="pc=0x08000000"):
        flasher_module.hear_ready(FakeLine(b"e-[fault pc=0x08000000]\r\n"), DISCO)
