"""Whole deploys in Renode: the host's outputs, QEMU's instructions, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline import deploy
from pipeline.board import boards, load_board
from pipeline.errors import ToolMissing
from pipeline.flash import renode
from pipeline.report import Report

MCU = Path(sys.executable).with_name("mcu")
IN_RENODE = [board_id for board_id in boards() if load_board(board_id).renode]
# Where QEMU has no machine of the board, it has one with the same core.
SAME_CORE = {"cortex-m3": "mps2_an385", "cortex-m4": "mps2_an386", "cortex-m7": "mps2_an500"}
pytestmark = [pytest.mark.renode, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", autouse=True)
def one_renode() -> Iterator[None]:
    try:
        renode.renode_program()
    except ToolMissing as error:
        pytest.skip(f"{error.what}: {error.hint}")
    yield
    renode.end_renode()


def deployed(shared: Path, board: str, on: str, out: Path, samples: int = 3) -> Report:
    """The keyword model, or where it does not fit the one for anomalies."""
    small = load_board(board).ram.bytes < 20_000
    done = deploy(
        shared / f"models/{'ad01_int8' if small else 'kws_ref_int8'}.tflite", board=board, on=on,
        data="random" if small else shared / "data/kws01.npz", samples=samples, out=out,
    )  # fmt: skip
    assert done.report is not None
    return done.report


@pytest.mark.qemu
@pytest.mark.parametrize("board", IN_RENODE)
def test_outputs_are_the_hosts_and_instructions_qemus(
    shared: Path, tmp_path: Path, board: str
) -> None:
    here = deployed(shared, board, "renode", tmp_path / "renode")
    chosen = load_board(board)
    other = board if chosen.qemu else SAME_CORE[chosen.core]
    there = deployed(shared, other, "qemu", tmp_path / "qemu")
    assert here.on == "renode"
    assert here.accuracy.identical_outputs == here.accuracy.samples == 3
    assert here.latency.unit == "instructions"
    assert here.latency.median == pytest.approx(there.latency.median, rel=0.01)
    assert [layer.op for layer in here.layers] == [layer.op for layer in there.layers]
    for mine, its in zip(here.layers, there.layers, strict=True):
        # The counter's own instructions weigh on the smallest layers.
        assert mine.cost == pytest.approx(its.cost, rel=0.01, abs=50)


def test_a_thousand_real_samples(shared: Path, tmp_path: Path) -> None:
    accuracy = deployed(shared, "disco_f407vg", "renode", tmp_path / "run", 1000).accuracy
    assert accuracy.samples == accuracy.identical_outputs == 1000
    assert accuracy.device == accuracy.host == 0.901


def renodes_of(process: psutil.Process) -> list[psutil.Process]:
    """What this process runs that has been given Renode's options."""
    found = []
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            if "--disable-gui" in child.cmdline():
                found.append(child)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_renode_ends_with_its_parent(shared: Path, tmp_path: Path, number: signal.Signals) -> None:
    words = ["deploy", shared / "models/kws_ref_int8.tflite", "--board", "disco_f407vg",
             "--on", "renode", "--data", "random", "--samples", 5000, "--out", "run"]  # fmt: skip
    child = subprocess.Popen([str(MCU), *map(str, words)], cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 300
        while not (running := renodes_of(psutil.Process(child.pid))):
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(child.pid, number)
        child.wait(60)
        _, alive = psutil.wait_procs(running, timeout=10)
        assert not alive
    finally:
        child.kill()
        child.wait()
