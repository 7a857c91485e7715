"""Costs in their units, and a chip's clock held against this machine's."""

from __future__ import annotations

import time

import pytest
from monitor_chip import chip

from pipeline.measure import Link
from pipeline.measure.clock import Clock, measured_hz, stamp

FIRMWARE = {"tick_hz": "1000000", "clock_hz": "168000000"}


def test_p95_is_what_95_of_100_do_not_exceed() -> None:
    clock = Clock("qemu", FIRMWARE)
    found = clock.latency(list(range(1, 101)))
    assert (found.minimum, found.median, found.p95, found.maximum) == (1000, 50000, 95000, 100000)
    assert clock.latency([7]).p95 == 7000
    assert (found.unit, found.seconds, found.clock_hz) == ("instructions", None, None)


def test_the_clock_of_a_chip_that_is_right() -> None:
    with chip() as port:
        link = Link(port)
        begin = stamp(link)
        assert begin is not None
        assert measured_hz(link, 168_000_000, begin) == pytest.approx(168e6, rel=0.05)


def test_a_chip_without_a_clock_is_not_measured() -> None:
    with chip(HOST_CLOCK="virtual") as port:
        link = Link(port)
        assert measured_hz(link, 168_000_000, stamp(link)) is None
    assert measured_hz(link, 168_000_000, None) is None


def test_a_chip_that_says_no_time_costs_a_moment() -> None:
    with chip("MONITOR_ENERGY=1") as port:
        started = time.monotonic()
        assert stamp(Link(port)) is None
        assert time.monotonic() - started < 5
