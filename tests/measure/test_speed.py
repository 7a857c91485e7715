"""The line's speed goes up where both sides can, and back where they can't."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from monitor_chip import chip, fake_output, random_bytes

from pipeline.measure import Link, Session


class SpeedPort:
    """A line on which bytes come to nothing while the two sides differ in speed.

    Args:
        port: the chip's port.
        told: file descriptor on which the chip tells its speed.
        clean_up_to: above this speed some bytes are wrong all the same.
    """

    port = "/dev/ttyTest"

    def __init__(self, port: Any, told: int, clean_up_to: int = 10_000_000) -> None:
        self._port = port
        self._told = told
        self._chip = 115200
        self._clean_up_to = clean_up_to
        self._share = 0.2
        self._rng = random.Random(1)
        self.baudrate = 115200
        self.timeout: float | None = 0

    def fileno(self) -> int:
        return int(self._port.fileno())

    def read(self, size: int = 1) -> bytes:
        data = self._through(self._port.read(size))
        self._listen()  # afterwards: these bytes had left the chip at the speed before
        return data

    def write(self, data: bytes) -> int:
        self._listen()
        self._port.write(self._through(data))
        return len(data)

    def flush(self) -> None:
        pass

    def spoil_above(self, rate: int, share: float) -> None:
        """From now on this share of the bytes is wrong at faster speeds."""
        self._clean_up_to, self._share = rate, share

    def _listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._chip = int(os.read(self._told, 4096).split()[-1])

    def _through(self, data: bytes) -> bytes:
        if self._chip == self.baudrate:
            if self.baudrate <= self._clean_up_to:
                return data
            return bytes(byte ^ (self._rng.random() < self._share) for byte in data)
        return self._rng.randbytes(len(data))


@contextlib.contextmanager
def fast_chip(
    *defines: str, clean_up_to: int = 10_000_000, **environment: object
) -> Iterator[SpeedPort]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        with chip(*defines, pass_fds=(writing,), HOST_BAUD_FD=writing, **environment) as port:
            yield SpeedPort(port, reading, clean_up_to)
    finally:
        os.close(reading)
        os.close(writing)


def works(session: Session) -> None:
    for seed in range(3):
        data = random_bytes(490, seed)
        assert session.infer(data).output == fake_output(data)


def test_the_fastest_speed_is_taken() -> None:
    with fast_chip() as port:
        session = Session(Link(port))
        session.hello()
        assert session.raise_speed() == port.baudrate == 2_000_000
        works(session)
        assert session.stats.baud == 2_000_000


def test_the_speed_of_the_start_is_restored() -> None:
    with fast_chip() as port:
        session = Session(Link(port))
        session.hello()
        session.raise_speed()
        session.restore_speed()
        assert port.baudrate == 115200
        works(session)


def test_a_chip_that_is_left_alone_goes_back_by_itself() -> None:
    with fast_chip("MONITOR_BAUD_IDLE_MS=300") as port:
        session = Session(Link(port))
        session.hello()
        session.raise_speed()
        time.sleep(0.6)
        port.baudrate = 115200
        Session(Link(port)).hello()


def test_a_speed_the_chip_cannot_make_is_passed_over() -> None:
    with fast_chip(HOST_BAUD_MAX=1_000_000) as port:
        session = Session(Link(port))
        session.hello()
        assert session.raise_speed() == 1_000_000
        works(session)


def test_a_speed_at_which_bytes_are_wrong_is_left_again() -> None:
    with fast_chip(clean_up_to=921_600) as port:
        session = Session(Link(port))
        session.hello()
        assert session.raise_speed((2_000_000, 921_600)) == 921_600
        works(session)


def test_a_chip_that_restarts_at_its_own_speed_is_found() -> None:
    with fast_chip(FAKE_RESETS_AT=2) as port:
        session = Session(Link(port), silence=1.0)
        session.hello()
        session.profile()
        session.raise_speed()
        works(session)
        assert port.baudrate == 115200


@pytest.mark.slow
def test_a_line_that_gets_worse_is_slowed_down() -> None:
    with fast_chip() as port:
        session = Session(Link(port), silence=1.0)
        session.hello()
        session.profile()
        assert session.raise_speed() == 2_000_000
        port.spoil_above(460_800, share=0.002)
        for seed in range(40):
            data = random_bytes(490, seed)
            assert session.infer(data).output == fake_output(data)
        assert port.baudrate <= 460_800
        assert session.stats.slowed >= 1


def test_a_socket_has_no_speed() -> None:
    with chip() as port:
        session = Session(Link(port))
        session.hello()
        assert session.raise_speed() == 0


def test_time_on_the_line_is_reckoned_with() -> None:
    with fast_chip() as port:
        link = Link(port)
        assert link.seconds(11520) == 1.0
        started = time.monotonic()
        assert link.next(0.05) is None or time.monotonic() - started < 1
