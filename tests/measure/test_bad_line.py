"""Many inferences over a line that drops, flips, adds, repeats, delays and cuts.

MCU_BAD_LINE_INFERENCES sets how many on this machine, MCU_BAD_BOARD_INFERENCES how many on
an emulated board; `pytest -s` shows what went wrong and what it cost.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict

import numpy as np
import pytest
from faulty_port import Faults, FaultyPort
from monitor_chip import chip, fake_output, random_bytes
from tiny_firmware import tiny_image

from pipeline.board import load_board
from pipeline.flash import Device, connect
from pipeline.measure import Link, Session

COUNT = int(os.environ.get("MCU_BAD_LINE_INFERENCES", "2000"))
BOARD_COUNT = int(os.environ.get("MCU_BAD_BOARD_INFERENCES", "300"))
FAULTS = Faults(drop=5e-5, flip=5e-5, double=3e-5, zero=3e-5, replay=0.01, hold=0.002, cut=0.0005)
# An inference of the tiny network is about a hundred bytes on the line.
BOARD_FAULTS = Faults(
    drop=2e-4, flip=2e-4, double=1e-4, zero=1e-4, replay=0.01, hold=0.002, cut=0.0005
)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_accepted_output_is_right() -> None:
    inputs = [random_bytes(490, seed) for seed in range(256)]
    outputs = [fake_output(data) for data in inputs]
    started = time.monotonic()
    with chip(sanitize=False) as port:
        line = FaultyPort(port, FAULTS, seed=2026)
        session = Session(Link(line), silence=2.0)
        session.hello()
        session.profile()
        for i in range(COUNT):
            at = i * 31 % len(inputs)
            assert session.infer(inputs[at]).output == outputs[at], i
    _tell(COUNT, started, line, session)
    assert sum(line.counts.values()) > COUNT / 40
    assert session.stats.naks + session.stats.timeouts > COUNT / 100


@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.timeout(14400)
def test_every_output_of_an_emulated_board_is_right() -> None:
    board, image = load_board("disco_f407vg"), tiny_image("disco_f407vg")
    started = time.monotonic()
    with connect(Device("qemu", board.id, image.elf), board) as port:
        line = FaultyPort(port, BOARD_FAULTS, seed=2026)
        session = Session(Link(line), silence=2.0)
        session.hello()
        session.profile()
        for i in range(BOARD_COUNT):
            data = np.random.default_rng(i).integers(-128, 127, 4, dtype=np.int8)
            # the tiny network adds one
            assert session.infer(data.tobytes()).output == (data + 1).astype(np.int8).tobytes(), i
    _tell(BOARD_COUNT, started, line, session)
    assert sum(line.counts.values()) > BOARD_COUNT / 40
    assert session.stats.naks + session.stats.timeouts > BOARD_COUNT / 100


def _tell(count: int, started: float, line: FaultyPort, session: Session) -> None:
    told = [
        f"{count} inferences in {time.monotonic() - started:.0f} s, every output right",
        f"faults: {dict(line.counts)}",
        f"cost: {asdict(session.stats)}",
    ]
    sys.stdout.write("\n" + "\n".join(told) + "\n")
