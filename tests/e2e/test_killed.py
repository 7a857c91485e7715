"""`mcu` ended at any moment, by SIGTERM, a closed terminal or kill -9: nothing stays behind."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "codegen"), str(ROOT / "runtime")]
from networks import Net  # noqa: E402

pytestmark = [pytest.mark.qemu, pytest.mark.slow]

_PROGRAM = [sys.executable, "-c", "from pipeline.cli.app import main; main()"]
ROUNDS = [signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP] * int(
    os.environ.get("MCU_KILL_ROUNDS", "1")
)
MARK = "MCU_TEST_OF_KILLED"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a folder for temporary files, and a run done once."""
    folder = tmp_path_factory.mktemp("killed")
    net = Net()
    x = net.conv(net.input(1, 16, 16, 3), 8, (3, 3))
    (folder / "net.tflite").write_bytes(net.bytes(net.fc(net.reshape(net.mean(x), 1, 8), 4)))
    (folder / "tmp").mkdir()
    return folder


def start(place: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*_PROGRAM, *words],
        cwd=place,
        env={**os.environ, MARK: str(place), "TMPDIR": str(place / "tmp")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def deploy(place: Path) -> subprocess.Popen[bytes]:
    words = ("deploy", "net.tflite", "--board", "mps2_an386", "--on", "qemu", "--data", "random",
             "--samples", "50", "--out", "run")  # fmt: skip
    return start(place, *words)


def left(place: Path) -> list[str]:
    """Processes that our runs have started, however far from them by now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(place) and process.status() != "zombie":
                found.append(" ".join(process.cmdline())[:100])
        except psutil.Error:
            continue
    return found


def gone(place: Path) -> list[str]:
    deadline = time.monotonic() + 10
    while (found := left(place)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_nothing_outlives_a_run_that_is_ended_at_any_moment(place: Path) -> None:
    begin = time.monotonic()
    whole = deploy(place)
    assert whole.wait(120) == 0, whole.communicate()[1]
    seconds = time.monotonic() - begin
    draw = random.Random(5)
    for number in ROUNDS:
        shutil.rmtree(place / "run")
        process = deploy(place)
        time.sleep(draw.uniform(0.15, 1.0) * seconds)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        assert process.returncode in (0, -number, 128 + number), said
        assert gone(place) == []
        if process.returncode == 128 + number:
            assert list((place / "tmp").glob("mcu-*-*-*-*")) == []
    # What was left is swept, and a run that was cut short is finished.
    last = deploy(place)
    assert last.wait(120) == 0, last.communicate()[1]
    assert list((place / "tmp").glob("mcu-*-*-*-*")) == []
    hidden = [path.name for path in (place / "run").rglob(".*") if path.name != ".pio"]
    assert [name for name in hidden if name.count(".") > 2 and "-" in name] == []


def test_a_compiler_that_hangs_goes_with_kill_9(place: Path) -> None:
    """PlatformIO, SCons, a shell and a compiler: four generations."""
    bin_ = place / "bin"
    bin_.mkdir()
    compiler = shutil.which("arm-none-eabi-gcc")
    if compiler is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    hanging = bin_ / "arm-none-eabi-gcc"
    hanging.write_text(
        f'#!/bin/sh\ncase "$*" in *" -c "*) echo > {place}/hangs; sleep 600;; '
        f'*) exec {compiler} "$@";; esac\n'
    )
    hanging.chmod(0o755)
    env = {"PATH": f"{bin_}:{os.environ['PATH']}"}
    shutil.rmtree(place / "run", ignore_errors=True)
    before = dict(os.environ)
    os.environ.update(env)
    try:
        process = deploy(place)
    finally:
        os.environ.clear()
        os.environ.update(before)
    deadline = time.monotonic() + 60
    while not (place / "hangs").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(left(place)) >= 4
    process.kill()
    process.communicate()
    assert gone(place) == []
