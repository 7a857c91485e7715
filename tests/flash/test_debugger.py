"""Memory moved through debugger stubs of every manner, and through bad ones."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pipeline.errors import DeviceError
from pipeline.flash import debugger as debugger_module
from pipeline.flash.debugger import Debugger


class Stub:
    """QEMU's debugger stub: `greets` and `tells` are how it was up to 8.0, silent is later.

    Args:
        greets: says that the machine stopped when a debugger connects, which stops it.
        stopped: the machine stands still already.
    """

    def __init__(self, line: socket.socket, *, greets: bool, stopped: bool = False) -> None:
        self.line = line
        self.memory = bytearray(range(256)) * 16
        self.running = not stopped
        if greets:
            self.running = False
            self.say(b"T02thread:01;")

    def say(self, content: bytes) -> None:
        self.line.sendall(b"$%s#%02x" % (content, sum(content) & 0xFF))

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # the other side may go at any time
            self._serve()

    def _serve(self) -> None:
        rest = b""
        while data := self.line.recv(1 << 16):
            rest += data
            while rest:
                if rest[:1] == b"\x03":
                    rest = rest[1:]
                    if self.running:
                        self.running = False
                        self.say(b"T02thread:01;")
                elif rest[:1] == b"$":
                    end = rest.find(b"#")
                    if end < 0 or len(rest) < end + 3:
                        break
                    content, rest = rest[1:end], rest[end + 3 :]
                    self.line.sendall(b"+")
                    self.execute(content)
                else:
                    rest = rest[1:]

    def execute(self, content: bytes) -> None:
        if content == b"?":
            self.say(b"T02thread:01;")
        elif content == b"qC":
            self.say(b"QC01")
        elif content == b"c":
            self.running = True
        elif content[:1] == b"m":
            at, count = (int(part, 16) for part in content[1:].split(b","))
            known = at + count <= len(self.memory)
            self.say(self.memory[at : at + count].hex().encode() if known else b"E14")
        elif content[:1] == b"M":
            place, data = content[1:].split(b":")
            at = int(place.split(b",")[0], 16)
            self.memory[at : at + len(data) // 2] = bytes.fromhex(data.decode())
            self.say(b"OK")


@contextlib.contextmanager
def served(make: Callable[[socket.socket], Stub]) -> Iterator[tuple[Debugger, Stub]]:
    near, far = socket.socketpair()
    with far:
        stub = make(far)
        thread = threading.Thread(target=stub.serve)
        thread.start()
        debugger = Debugger(near, "board")
        try:
            yield debugger, stub
        finally:
            debugger.close()
            thread.join()


MANNERS = {
    "7.2": lambda line: Stub(line, greets=True),
    "8.1": lambda line: Stub(line, greets=False),
    "stands": lambda line: Stub(line, greets=False, stopped=True),
}


@pytest.mark.parametrize("manner", MANNERS)
def test_memory_is_moved_whatever_the_stub_says_of_stops(manner: str) -> None:
    with served(MANNERS[manner]) as (debugger, stub):
        for round_ in range(3):
            new = bytes([round_]) * 3000
            old = bytes(stub.memory[16:3016])
            assert debugger.move([(16, 3000), (0, 2)], [(16, new)]) == [old, b"\0\1"]
            assert stub.memory[16:3016] == new
        debugger.move()
        deadline = time.monotonic() + 5
        while not stub.running and time.monotonic() < deadline:
            time.sleep(0.01)
        assert stub.running


@pytest.mark.parametrize("manner", MANNERS)
def test_memory_that_is_not_there_is_said(manner: str) -> None:
    with (
        served(MANNERS[manner]) as (debugger, _),
        pytest.raises(DeviceError, match="no such memory"),
    ):
        debugger.move([(1 << 20, 4)])


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (b"", "closed"),
        (b"$W00#b7", "has ended"),
        (b"$QC01#f5", "does not stop"),
        (b"$" + b"0" * (2 << 20), "more than it was asked"),
    ],
)
def test_a_bad_stub_is_an_error_of_the_device(says: bytes, expected: str) -> None:
    near, far = socket.socketpair()

    def serve() -> None:
        with far:
            far.recv(100)
            try:
                far.sendall(says)
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    debugger = Debugger(near, "board")
    with pytest.raises(DeviceError, match=expected):
        debugger.move([(0, 4)])
    debugger.close()
    thread.join()


def test_a_stub_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debugger_module, "_SECONDS", 0.1)
    near, far = socket.socketpair()
    with far:
        debugger = Debugger(near, "board")
        with pytest.raises(DeviceError, match="timed out"):
            debugger.move([(0, 4)])
        debugger.close()
