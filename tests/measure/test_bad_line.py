"""Many inferences over a line that drops, flips, adds, repeats, delays and cuts.

MCU_BAD_LINE_INFERENCES sets how many; `pytest -s` shows what went wrong and what it cost.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict

import pytest
from faulty_port import Faults, FaultyPort
from monitor_chip import chip, fake_output, random_bytes

from pipeline.measure import Link, Session

COUNT = int(os.environ.get("MCU_BAD_LINE_INFERENCES", "2000"))
FAULTS = Faults(drop=5e-5, flip=5e-5, double=3e-5, zero=3e-5, replay=0.01, hold=0.002, cut=0.0005)


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
        stats = session.stats
    told = [
        f"{COUNT} inferences in {time.monotonic() - started:.0f} s, every output right",
        f"faults: {dict(line.counts)}",
        f"cost: {asdict(stats)}",
    ]
    sys.stdout.write("\n" + "\n".join(told) + "\n")
    assert sum(line.counts.values()) > COUNT / 40
    assert stats.naks + stats.timeouts > COUNT / 100
