"""`mcu emulate`: an emulated board that any serial program can talk to."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

MCU = Path(sys.executable).with_name("mcu")


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


@contextlib.contextmanager
def emulating(run: Path, pty: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command once its board is ready, and the emulator's process id."""
    words = [MCU, "emulate", run, "--pty", pty, *more]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_for(lambda: pty.is_symlink() or process.poll() is not None)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            yield process, int(children.split()[0])
        finally:
            process.kill()


def alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def ask(pty: Path, text: bytes) -> bytes:
    with serial.Serial(str(pty), 115200, timeout=5) as port:
        port.write(text)
        return port.read_until(b"m-ready\r\n")


@pytest.mark.slow
@pytest.mark.qemu
class TestRunning:
    def test_any_serial_program_can_come_and_go_until_ctrl_c(self, kws_run, tmp_path) -> None:
        pty = tmp_path / "board"
        with emulating(kws_run, pty) as (process, emulator):
            for _ in range(3):
                assert ask(pty, b"name%") == b"m-name-dut-[disco_f407vg]\r\nm-ready\r\n"
            assert b"m-model-[kws01]" in ask(pty, b"profile%")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert out == f"{pty}\n"
        assert "Traceback" not in err
        assert not pty.is_symlink()
        assert not alive(emulator)

    def test_cat_and_echo_will_do(self, kws_run, tmp_path) -> None:
        pty = tmp_path / "board"
        listen = ["head", "-n", "2", pty]
        with emulating(kws_run, pty), subprocess.Popen(listen, stdout=subprocess.PIPE) as head:
            time.sleep(0.3)
            subprocess.run(["sh", "-c", f"echo 'name%' > {pty}"], check=True)
            out, _ = head.communicate(timeout=5)
        assert out == b"m-name-dut-[disco_f407vg]\r\nm-ready\r\n"

    def test_it_ends_by_itself_after_so_many_seconds(self, mcu, kws_run, tmp_path) -> None:
        ran = mcu("emulate", kws_run, "--pty", tmp_path / "board", "--seconds", "0.2", "--json")
        assert ran.code == 0, ran.err
        assert ran.json == {"pty": str(tmp_path / "board"), "board": "disco_f407vg", "on": "qemu"}
        assert not (tmp_path / "board").is_symlink()

    def test_without_a_link_the_terminal_itself_is_named(self, mcu, kws_run) -> None:
        ran = mcu("emulate", kws_run, "--seconds", "0")
        assert ran.code == 0
        assert ran.out.startswith("/dev/")

    def test_a_measurement_over_the_terminal_counts_instructions(
        self, mcu, kws_run, tmp_path
    ) -> None:
        here = tmp_path / "run"
        shutil.copytree(kws_run, here)
        with emulating(kws_run, tmp_path / "board") as (process, _):
            ran = mcu("measure", here, "--data", "random", "--samples", "2", "--json",
                      "--port", tmp_path / "board")  # fmt: skip
            process.terminate()
            process.communicate(timeout=10)
        assert ran.code == 0, ran.err
        assert ran.json["latency"]["unit"] == "instructions"
        assert ran.json["latency"]["seconds"] is None
        assert ran.json["latency"]["clock_hz"] is None
        assert ran.json["firmware"]["emulator"] == "qemu"

    def test_sigterm_leaves_nothing(self, kws_run, tmp_path) -> None:
        pty = tmp_path / "board"
        with emulating(kws_run, pty) as (process, emulator):
            process.terminate()
            process.communicate(timeout=10)
        assert process.returncode == 128 + signal.SIGTERM
        assert not pty.is_symlink()
        assert not alive(emulator)

    def test_kill_9_ends_the_emulator_and_a_stale_link_is_taken(
        self, mcu, kws_run, tmp_path
    ) -> None:
        pty = tmp_path / "board"
        with emulating(kws_run, pty) as (process, emulator):
            process.kill()
            process.communicate(timeout=10)
            wait_for(lambda: not alive(emulator))
        assert pty.is_symlink()
        pty.unlink()
        pty.symlink_to("/dev/pts/99999")  # the number may be another's by now
        assert mcu("emulate", kws_run, "--pty", pty, "--seconds", "0").code == 0
        assert not pty.is_symlink()

    def test_an_emulator_that_ends_is_an_error(self, kws_run, tmp_path) -> None:
        pty = tmp_path / "board"
        with emulating(kws_run, pty, "--json") as (process, emulator):
            os.kill(emulator, signal.SIGKILL)
            out, err = process.communicate(timeout=10)
        assert process.returncode == 4
        assert json.loads(out)["pty"] == str(pty)  # still one document
        assert "QEMU ended" in err
        assert not pty.is_symlink()

    def test_a_path_in_use_is_refused(self, mcu, kws_run, tmp_path) -> None:
        (tmp_path / "mine").write_text("years of work")
        (tmp_path / "other").symlink_to("mine")
        for name, says in (("mine", "is there already"), ("other", "leads to mine")):
            ran = mcu("emulate", kws_run, "--pty", tmp_path / name)
            assert ran.code == 2
            assert says in ran.err
        assert (tmp_path / "other").read_text() == "years of work"
        ran = mcu("emulate", kws_run, "--pty", tmp_path / "none" / "board")
        assert ran.code == 2
        assert "no such folder" in ran.err

    def test_only_an_emulator_can_be_named(self, mcu, kws_run) -> None:
        ran = mcu("emulate", kws_run, "--on", "probe")
        assert ran.code == 2
        assert "auto, qemu or renode" in ran.err


def test_the_firmware_has_to_be_built(mcu, shared: Path) -> None:
    assert mcu("convert", shared / "models/ad01_int8.tflite", "--out", "run").code == 0
    ran = mcu("emulate", "run")
    assert ran.code == 2
    assert "mcu build" in ran.err
