"""What is kept of a serial line."""

from __future__ import annotations

from typing import Any

from pipeline.measure.frames import Type, encode
from pipeline.testing.serial_log import LoggedPort, SerialLog


class Port:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.timeout: float | None = 1.0
        self.written = b""

    def read(self, size: int = 1) -> bytes:
        data, self.content = self.content[:size], self.content[size:]
        return data

    def write(self, data: bytes) -> int:
        self.written += data
        return len(data)


def words(log: SerialLog, since: int = 0) -> list[str]:
    return [line[10:] for line in log.text(since).splitlines()]


def test_text_frames_and_broken_ones() -> None:
    log = SerialLog()
    log.add(">", b"name%\n")
    log.add("<", b"m-name-dut-[x]\r\n")
    frame = encode(Type.RESULT, 7, b"12345")
    log.add("<", frame[:4])
    log.add("<", frame[4:])
    log.add("<", frame[:8] + b"\xff\xff" + frame[10:])
    log.add("<", encode(0xEE, 1, b""))
    assert words(log) == [
        "> name%",
        "< m-name-dut-[x]",
        "< [RESULT 7, 5 bytes]",
        f"< [{len(frame) - 2} bytes of a broken frame]",
        "< [frame 0xee 1, 0 bytes]",
    ]


def test_only_what_came_after_a_mark() -> None:
    log = SerialLog()
    log.add("<", b"before\n")
    mark = log.mark()
    assert log.text(mark) == ""
    log.add("<", b"after\n")
    assert words(log, mark) == ["< after"]


def test_a_long_log_keeps_its_end() -> None:
    log = SerialLog()
    for number in range(1000):
        log.add("<", b"line %d\n" % number)
    lines = log.text().splitlines()
    assert len(lines) == 61
    assert lines[0] == "(340 earlier lines)"
    assert lines[-1].endswith("< line 999")


def test_the_port_is_still_a_port() -> None:
    port = Port(b"answer\n")
    log = SerialLog()
    logged: Any = LoggedPort(port, log)
    logged.timeout = 0
    assert port.timeout == 0
    assert logged.write(b"ask\n") == 4
    assert logged.read(100) == b"answer\n"
    assert logged.read(1) == b""
    assert port.written == b"ask\n"
    assert words(log) == ["> ask", "< answer"]
