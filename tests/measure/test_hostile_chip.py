"""Chips that lie, and lines that die, eat bytes or are slow: always an error that says so."""

from __future__ import annotations

import importlib
import socket
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from monitor_chip import SocketPort, chip, fake_output, random_bytes

from pipeline.errors import DeviceError, LinkError
from pipeline.measure import Link, Session
from pipeline.measure.firmware import check_info, parse_info
from pipeline.measure.frames import Frame, Splitter, Type, encode
from pipeline.measure.monitor import Monitor

sys.path.insert(0, str(Path(__file__).parents[2]))
fuzz = importlib.import_module("tests.fuzz.protocol")
chip_module = importlib.import_module("tests.fuzz.chip")
runner = importlib.import_module("tests.fuzz.runner")


def test_the_chip_that_is_mutated_answers_as_the_monitor_does() -> None:
    requests = [(Type.HELLO, b""), (Type.PING, b"\0x"), (Type.PROFILE, b""),
                (Type.BENCH, b"\3\0"), (Type.STATUS, b""), (Type.STEPS, b"\0\0"),
                (Type.INPUT, bytes(4) + b"abc"),
                (Type.READ, struct.pack("<IH", 2040, 20))]  # fmt: skip
    with chip(HOST_CLOCK="virtual") as port:
        link = Link(port)
        Session(link).hello()
        stands_for = chip_module.Chip()
        for sequence, (kind, payload) in enumerate(requests, 0x7000):
            expected = list(stands_for.frame(Frame(kind, sequence, payload)))
            link.write(encode(kind, sequence, payload))
            heard: list[Frame] = []
            # What differs: the text of INFO, which has its own test, and counts.
            while len(heard) < len(expected) or (
                heard[-1].type == Type.INFO and not heard[-1].payload[1]
            ):
                item = link.next(5.0)
                assert item is not None
                if isinstance(item, Frame) and item.sequence == sequence:
                    heard.append(item)
            if kind == Type.HELLO:
                real = parse_info(b"".join(f.payload[2:] for f in heard))
                ours = parse_info(stands_for.info().encode())
                check_info(real)
                assert real.keys() == ours.keys()
            elif kind == Type.STATUS:
                assert len(heard[0].payload) == len(expected[0].payload)
            elif kind == Type.READ:
                assert [len(f.payload) for f in heard] == [len(f.payload) for f in expected]
            else:
                assert [f.type for f in heard] == [f.type for f in expected]
                assert [len(f.payload) for f in heard] == [len(f.payload) for f in expected]


def test_no_mutated_answer_gives_anything_but_a_result_or_an_error_of_ours(tmp_path: Path) -> None:
    """A short run of `python -m tests.fuzz protocol`."""
    outcome = runner.run(fuzz.make_case, fuzz.try_case, 20, 7, tmp_path, cases=250)
    assert outcome.findings == {}, outcome
    assert outcome.cases > 20
    assert outcome.refused > 5


def _goes_on(frame: Frame) -> bool:
    return frame.type == Type.INFO and not frame.payload[1]


LIES: list[tuple[Callable[[Frame], bytes | None], str]] = [
    (lambda f: f.payload[:12] + b"\xff" * 4 + f.payload[16:] if f.type == Type.RESULT else None,
     "4294967295 bytes of output"),
    (lambda f: b"\x00\x01\x00\x00" + f.payload[4:] if f.type == Type.OUTPUT else None,
     "bytes 256 to 268 of its output"),
    (lambda f: b"\x09\x00" + f.payload[2:] if f.type == Type.TICKS else None, "times number 9"),
    (lambda f: b"\x04\x00" + f.payload[2:] if f.type == Type.DONE else None, "is done with 4"),
    (lambda f: f.payload[:2] + b"\xff" * 8 if f.type == Type.TICKS else None, "counts 1844"),
    (lambda f: f.payload.replace(b"chunk_bytes=256", b"chunk_bytes=0") if f.type == Type.INFO
     else None, "chunk_bytes='0', which can't be"),
    (lambda f: f.payload.replace(b"tick_hz=", b"tack_hz=") if f.type == Type.INFO else None,
     "does not say its tick_hz"),
    (lambda f: f.payload.replace(b" bytes=490 ", b" bytes=9999999999 ") if f.type == Type.INFO
     else None, "input0="),
    (lambda f: b"\x01\xff\xff" if f.type == Type.BUSY else None, ""),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(LIES)))
def test_a_lie_is_named(number: int) -> None:
    change, says = LIES[number]
    clock = chip_module.Clock()

    def lie(item: object) -> list[object]:
        new = change(item) if isinstance(item, Frame) else None
        return [item if new is None else Frame(item.type, item.sequence, new)]

    port = chip_module.Port(chip_module.Chip(), clock, lie)
    session = Session(Link(port, where="board"), silence=5)

    def all_of_it() -> None:
        session.hello()
        session.profile()
        session.infer(bytes(490))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.monotonic", clock.monotonic)
        patch.setattr("time.sleep", clock.sleep)
        if not says:
            all_of_it()
            return
        with pytest.raises(DeviceError, match=says) as caught:
            all_of_it()
    assert caught.value.where == "board"
    assert caught.value.hint


def test_a_terminal_is_not_commanded_by_what_a_chip_says() -> None:
    items = list(Splitter().feed(b"m-name-dut-[\x1b[2J\x07]\r\n"))
    assert items == [r"m-name-dut-[\x1b[2J\x07]"]


class EndlessPort:
    """Text without end."""

    port, timeout, in_waiting, baudrate = "/dev/endless", 0.0, 1, 115200

    def read(self, size: int = 1) -> bytes:
        time.sleep(0.001)
        return b"blah\n" * 20

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        pass


def test_a_line_that_never_falls_silent_is_given_up() -> None:
    began = time.monotonic()
    with pytest.raises(LinkError):
        Session(Link(EndlessPort()), give_up=0.3).hello()
    with pytest.raises(LinkError):
        Monitor(Link(EndlessPort()), 0.2).settle()
    assert time.monotonic() - began < 20


class Changed:
    """A line that changes what goes over it."""

    baudrate = 0
    port = "/dev/ttyX"

    def __init__(self, port: SocketPort, change: Callable[[bytes], bytes]) -> None:
        self._port, self._change = port, change

    def write(self, data: bytes) -> int:
        self._port.write(self._change(data))
        return len(data)

    def read(self, size: int = 1) -> bytes:
        return self._change(self._port.read(size))

    def __getattr__(self, name: str) -> object:
        return getattr(self._port, name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.replace(b"\x11", b""), "XON"),
        (lambda data: data.replace(b"\x13", b""), "XOFF"),
        (lambda data: data.replace(b"\n", b"\r\n"), "line ends"),
        (lambda data: data.replace(b"\r", b"\r\n"), "line ends"),
    ],
)
def test_a_line_that_changes_bytes_is_named(change: Callable[[bytes], bytes], says: str) -> None:
    with chip(FAKE_INPUT_BYTES=4000) as port:
        session = Session(Link(Changed(port, change)), silence=1, give_up=1)
        with pytest.raises(LinkError, match=says) as caught:
            session.hello()
            for seed in range(50):
                session.infer(random_bytes(4000, seed))
        assert "flow control" in caught.value.hint or "raw" in caught.value.hint


@pytest.mark.parametrize("where", ["read", "write", "baudrate"])
def test_a_line_that_dies_is_an_error_of_the_device(where: str) -> None:
    """pyserial lets termios' own error through, which is no OSError."""

    class Dying:
        port, timeout, in_waiting = "/dev/ttyACM0", 0.0, 0

        def read(self, size: int = 1) -> bytes:
            if where == "read":
                raise termios.error(5, "Input/output error")
            return b""

        def write(self, data: bytes) -> int:
            if where == "write":
                raise termios.error(5, "Input/output error")
            return len(data)

        def flush(self) -> None:
            raise termios.error(5, "Input/output error")

        @property
        def baudrate(self) -> int:
            return 115200

        @baudrate.setter
        def baudrate(self, value: int) -> None:
            raise termios.error(5, "Input/output error")

    link = Link(Dying())
    with pytest.raises(LinkError, match="the line broke") as caught:
        if where == "baudrate":
            link.baud = 1_000_000
        Session(link, give_up=0.2).hello()
    assert caught.value.exit_code == 4


@pytest.fixture
def slow_taker() -> Iterator[SocketPort]:
    """A chip behind an emulated line that takes some bytes at a time, however many there are."""
    ours, its = socket.socketpair()
    stop = threading.Event()
    with chip(FAKE_INPUT_BYTES=60000) as port:

        def up() -> None:
            while not stop.is_set() and (data := its.recv(512)):
                time.sleep(0.03)
                port.write(data)

        def down() -> None:
            while not stop.is_set():
                try:
                    if data := port.read(1 << 16):
                        its.sendall(data)
                except OSError:
                    return
                time.sleep(0.002)

        threads = [threading.Thread(target=work, daemon=True) for work in (up, down)]
        for thread in threads:
            thread.start()
        yield SocketPort(ours)
        stop.set()
        ours.close()
        for thread in threads:
            thread.join(5)
        its.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is on its way")
def test_bytes_that_are_on_their_way_are_waited_for(slow_taker: SocketPort) -> None:
    session = Session(Link(slow_taker), give_up=0.5)
    session.hello()
    data = random_bytes(60000)
    assert session.infer(data).output == fake_output(data)
    assert session.stats.chunks_resent == 0


def test_an_emulator_that_had_no_turn_was_not_silent() -> None:
    """It answers after 3 s of ours, of which it had a tenth."""

    class Starved(SocketPort):
        begun = time.monotonic()

        def spent(self) -> float:
            return (time.monotonic() - self.begun) / 10

    with chip(FAKE_SLEEP_MS=1500) as port:
        starved = Starved(port._end)
        session = Session(Link(starved), give_up=0.3, silence=0.3)
        session.hello()
        data = random_bytes(490)
        assert session.infer(data).output == fake_output(data)
