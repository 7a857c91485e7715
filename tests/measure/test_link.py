"""Links over pyserial's own ports, and how much of the line they use."""

from __future__ import annotations

import os
import socket
import struct
import time
import tty

import pytest
import serial
from faulty_port import Faults, FaultyPort
from monitor_chip import build_chip, chip, fake_output, random_bytes, run_chip

from pipeline.measure import Link, Monitor, Session
from pipeline.measure.frames import Type, encode


def works(port: object, count: int = 20) -> float:
    """Seconds an inference takes, link and all."""
    session = Session(Link(port))
    session.hello()
    session.profile()
    started = time.monotonic()
    for seed in range(count):
        data = random_bytes(490, seed)
        assert session.infer(data).output == fake_output(data)
    return (time.monotonic() - started) / count


def test_a_pseudo_terminal() -> None:
    build_chip()
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    with run_chip(master), serial.Serial(os.ttyname(slave), 115200) as port:
        os.close(slave)
        link = Link(port)
        assert link.baud == 115200
        works(port)
        monitor = Monitor(link)
        monitor.settle()
        assert monitor.name() == "mcu-pipeline"
        assert monitor.model_id() == "hash"
        monitor.load(random_bytes(490))
        microseconds, results = monitor.infer()
        assert microseconds >= 0
        assert len(results) == 12
        assert monitor.info()["engine"] == "fake"


def test_a_socket_url() -> None:
    """pyserial's socket port, read one byte at a time, would take some 10 ms an inference."""
    build_chip()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"socket://127.0.0.1:{listener.getsockname()[1]}"
        with serial.serial_for_url(url) as port:
            accepted = listener.accept()[0]
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with run_chip(accepted.detach()):
                assert works(port) < 0.05
                port.close()


def test_a_port_without_a_file_descriptor() -> None:
    with chip() as port:
        assert works(FaultyPort(port, Faults())) < 0.05


@pytest.mark.parametrize("size", [3072, 27648])
def test_nine_tenths_of_the_line_are_input(size: int) -> None:
    data = random_bytes(size)
    chunks = [
        encode(Type.CHUNK, 1, struct.pack("<H", i) + data[start : start + 256])
        for i, start in enumerate(range(0, size, 256))
    ]
    run = encode(Type.RUN, 1, bytes(4))
    answer = encode(Type.BUSY, 1, bytes(4)) + encode(Type.RESULT, 1, bytes(20))
    output = encode(Type.OUTPUT, 1, bytes(4 + 10))
    on_the_line = sum(map(len, chunks)) + len(run) + len(answer) + len(output)
    assert size / on_the_line > 0.90
