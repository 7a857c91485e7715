"""The bytes between an emulator's line and a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import serial

from pipeline.flash.emulate import _pseudo_terminal, _pump


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, str]]:
    """The board's end of a line, and the terminal's name, bytes carried between them."""
    ours, board = socket.socketpair()
    ours.setblocking(False)
    with ours, board, _pseudo_terminal() as (master, name):

        def carry() -> None:
            with contextlib.suppress(serial.SerialException):
                _pump(ours, master, time.monotonic() + 20)

        thread = threading.Thread(target=carry)
        thread.start()
        yield board, name
        board.close()
        thread.join()


def test_a_slow_listener_loses_nothing(ends: tuple[socket.socket, str]) -> None:
    board, name = ends
    said = bytes(range(256)) * 2000  # every byte value, many times what the kernel holds
    with serial.Serial(name, timeout=5) as port:
        threading.Thread(target=board.sendall, args=(said,)).start()
        time.sleep(0.3)
        assert port.read(len(said)) == said


def test_every_byte_arrives_as_it_is(ends: tuple[socket.socket, str]) -> None:
    board, name = ends
    board.settimeout(5)
    with serial.Serial(name, timeout=5) as port:
        port.write(bytes(range(256)))
        heard = b""
        while len(heard) < 256:
            heard += board.recv(256)
    assert heard == bytes(range(256))


def test_what_is_said_to_nobody_is_lost(ends: tuple[socket.socket, str]) -> None:
    board, name = ends
    board.sendall(b"is anybody there?")
    time.sleep(0.2)
    terminal = os.open(name, os.O_RDWR | os.O_NOCTTY)
    time.sleep(0.2)
    board.sendall(b"hello")
    assert os.read(terminal, 100) == b"hello"
    os.close(terminal)


def test_an_end_of_the_line_is_an_error() -> None:
    ours, board = socket.socketpair()
    with ours, _pseudo_terminal() as (master, _):
        board.close()
        with pytest.raises(serial.SerialException, match="closed"):
            _pump(ours, master, None)
