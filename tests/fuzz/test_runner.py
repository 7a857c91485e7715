"""The fuzzers' runner: it must see every kind of failure, or its zeros mean nothing."""

from __future__ import annotations

import os
import signal
import time

import pytest

from pipeline.errors import ModelError

from . import runner
from .runner import rng_of, run


def number(rng):
    return bytes([rng.randrange(4)])


def test_cases_repeat_and_results_and_refusals_are_counted(tmp_path):
    def case(content):
        if content[0] == 1:
            raise ModelError("no")

    outcome = run(number, case, 200, 7, tmp_path, cases=40, workers=2)
    wanted = [number(rng_of(7, n))[0] for n in range(40)]
    assert (outcome.cases, outcome.refused) == (40, wanted.count(1))
    assert outcome.results == 40 - wanted.count(1)
    assert outcome.errors == {"ModelError": wanted.count(1)}
    assert not outcome.findings
    assert not list(tmp_path.iterdir())


def wait_for_ever():
    time.sleep(1000)


def work_long():
    deadline = time.process_time() + 0.5
    while time.process_time() < deadline:
        pass


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (lambda: {}["missing"], "KeyError at ?"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "the worker ended with -9"),
        (lambda: os._exit(3), "the worker ended with 3"),
        (wait_for_ever, "no end after"),
        (work_long, "over 10 s"),
        (lambda: bytearray(b"x") * runner.BYTES, "over 2 GB"),
        (lambda: (_ for _ in ()).throw(ModelError("")), "ModelError without a word"),
        (lambda: bytearray(1 << 40), "MemoryError"),
    ],
)
def test_every_failure_is_found_kept_and_lived_through(tmp_path, monkeypatch, fault, name):
    if fault is wait_for_ever:
        monkeypatch.setattr(runner, "_PATIENCE", 0.7)
    if fault is work_long:
        monkeypatch.setattr(runner, "SECONDS", 0.3)
    here = runner._spent()[1]
    monkeypatch.setattr(runner, "BYTES", here + (50 << 20))

    def case(content):
        if content[0] == 2:
            fault()

    outcome = run(number, case, 200, 7, tmp_path, cases=12)
    twos = [n for n in range(12) if number(rng_of(7, n))[0] == 2]
    assert outcome.cases == 12
    (found,) = outcome.findings
    assert name in found
    assert outcome.findings[found] == len(twos)
    kept = sorted(tmp_path.glob("*.case"))
    assert len(kept) == min(len(twos), 3)
    assert kept[0].read_bytes() == b"\x02"
    assert found in kept[0].with_suffix(".txt").read_text()


def test_a_run_ends_in_time(tmp_path):
    outcome = run(number, lambda _: None, 0.5, 1, tmp_path)
    assert 0.4 < outcome.seconds < 30
    assert outcome.cases > 10
