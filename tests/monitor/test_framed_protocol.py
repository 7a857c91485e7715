"""The framed requests, frame by frame, against the firmware's monitor."""

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitor_chip import ROOT, SocketPort, chip, fake_output, random_bytes

from pipeline.measure.frames import Broken, Frame, Nak, Splitter, Type, crc32, encode

DATA = random_bytes(490)


class Line:
    """Frames to and from a chip, nothing resent."""

    def __init__(self, port: SocketPort) -> None:
        self.port = port
        self._split = Splitter()

    def send(self, *parts: bytes) -> None:
        self.port.write(b"".join(parts))

    def hear(self, until: int, seconds: float = 5.0) -> list[Frame]:
        """Frames up to the first of type `until`."""
        frames: list[Frame] = []
        deadline = time.monotonic() + seconds
        while not any(frame.type == until for frame in frames):
            assert time.monotonic() < deadline, frames
            items = list(self._split.feed(self.port.read(4096)))
            assert not any(isinstance(item, Broken) for item in items)
            frames += [item for item in items if isinstance(item, Frame)]
            time.sleep(0.0005)
        return frames

    def quiet(self) -> None:
        """A PING is the next thing that is answered."""
        self.send(encode(Type.PING, 9999))
        assert [frame.type for frame in self.hear(Type.PONG)] == [Type.PONG]


def chunks(sequence: int, data: bytes = DATA, size: int = 256) -> list[bytes]:
    return [
        encode(Type.CHUNK, sequence, struct.pack("<H", i) + data[start : start + size])
        for i, start in enumerate(range(0, len(data), size))
    ]


def run(sequence: int, data: bytes = DATA) -> bytes:
    return encode(Type.RUN, sequence, struct.pack("<I", crc32(data)))


@pytest.fixture
def line() -> Iterator[Line]:
    with chip(HOST_CLOCK="virtual") as port:
        yield Line(port)


def test_header_and_host_have_the_same_numbers() -> None:
    text = (ROOT / "firmware" / "monitor" / "protocol.h").read_text()
    numbers = {
        name: int(value, 0)
        for name, value in re.findall(r"#define MON_(\w+)\s+(0x[0-9A-F]+|\d+)u\b", text)
    }
    version = numbers.pop("PROTOCOL_VERSION")
    naks = {name[4:]: value for name, value in numbers.items() if name.startswith("NAK_")}
    types = {name: value for name, value in numbers.items() if not name.startswith("NAK_")}
    assert version == 1
    assert naks == {nak.name: nak.value for nak in Nak}
    assert types == {kind.name: kind.value for kind in Type}


def test_every_type_has_its_top_bit_set_and_is_documented() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    for kind in Type:
        assert kind & 0x80
        assert f"| {kind.name} | 0x{kind.value:02X} |" in text


@given(payload=st.binary(max_size=270))
def test_what_the_chip_echoes_is_what_was_sent(payload: bytes) -> None:
    with chip() as port:
        line = Line(port)
        for content in (payload, b"\0" * len(payload), b"\1" * len(payload)):
            line.send(encode(Type.PING, 7, content))
            assert line.hear(Type.PONG)[-1].payload == content


def test_frames_of_every_length_survive(line: Line) -> None:
    for length in range(277):
        content = bytes(1 + i % 255 for i in range(length))
        line.send(encode(Type.PING, length, content))
        assert line.hear(Type.PONG)[-1] == Frame(Type.PONG, length, content)


def test_an_overlong_frame_is_dropped(line: Line) -> None:
    line.send(encode(Type.PING, 1, b"x" * 277))
    line.quiet()


def test_hello_describes_the_firmware(line: Line) -> None:
    line.send(encode(Type.HELLO, 1))
    frames = line.hear(Type.INFO)
    while not frames[-1].payload[1]:
        frames += line.hear(Type.INFO)
    text = b"".join(frame.payload[2:] for frame in frames).decode()
    assert "engine=fake\nmodel=hash\n" in text
    assert [frame.payload[0] for frame in frames] == list(range(len(frames)))


def test_an_inference(line: Line) -> None:
    line.send(*chunks(5), run(5))
    busy, result, output = line.hear(Type.OUTPUT)
    assert busy == Frame(Type.BUSY, 5, struct.pack("<I", 0))
    expected = fake_output(DATA)
    assert result.payload == struct.pack("<QIII", 1001, crc32(DATA), 12, crc32(expected))
    assert output == Frame(Type.OUTPUT, 5, struct.pack("<I", 0) + expected)


def test_the_next_busy_announces_what_the_last_inference_took(line: Line) -> None:
    line.send(*chunks(5), run(5))
    line.hear(Type.OUTPUT)
    line.send(*chunks(6), run(6))
    assert line.hear(Type.OUTPUT)[0] == Frame(Type.BUSY, 6, struct.pack("<I", 1))


def test_chunks_may_come_in_any_order_and_twice(line: Line) -> None:
    first, second = chunks(5)
    line.send(second, first, second, first, run(5))
    assert line.hear(Type.OUTPUT)[-1].payload[4:] == fake_output(DATA)


def test_a_run_that_comes_twice_is_answered_twice_and_run_once(line: Line) -> None:
    line.send(*chunks(5), run(5))
    once = line.hear(Type.OUTPUT)
    line.send(run(5))
    assert line.hear(Type.OUTPUT) == once[1:]


def test_missing_chunks_are_named(line: Line) -> None:
    data = random_bytes(3000)
    with chip(FAKE_INPUT_BYTES=3000) as port:
        line = Line(port)
        parts = chunks(5, data)
        line.send(*(parts[i] for i in range(12) if i not in (2, 3, 7)), run(5, data))
        (nak,) = line.hear(Type.NAK)
        there = [i not in (2, 3, 7) for i in range(3, 12)]
        bits = sum(bit << i for i, bit in enumerate(there))
        assert nak.payload == struct.pack("<BHH", Nak.MISSING, 2, bits)
        line.send(parts[2], parts[3], parts[7], run(5, data))
        assert line.hear(Type.OUTPUT)[-1].payload[4:] == fake_output(data)


def test_chunks_beyond_the_window_are_asked_for_again() -> None:
    data = random_bytes(64 * 40)
    with chip("MONITOR_CHUNK_BYTES=64", "MONITOR_WINDOW_CHUNKS=8", FAKE_INPUT_BYTES=len(data)) as p:
        line = Line(p)
        parts = chunks(5, data, 64)
        line.send(*parts[:3], *parts[4:], run(5, data))
        (nak,) = line.hear(Type.NAK)
        assert nak.payload == struct.pack("<BHB", Nak.MISSING, 3, 0b1111111)
        line.send(parts[3], *parts[11:], run(5, data))
        assert line.hear(Type.OUTPUT)[-1].payload[4:] == fake_output(data)


def test_a_run_for_another_input_is_refused(line: Line) -> None:
    line.send(*chunks(5), run(5, random_bytes(490, seed=1)))
    assert line.hear(Type.NAK)[-1].payload == bytes([Nak.MISMATCH])
    line.send(run(5))
    assert line.hear(Type.NAK)[-1].payload[:3] == struct.pack("<BH", Nak.MISSING, 0)


def test_a_late_chunk_of_an_older_input_changes_nothing(line: Line) -> None:
    other = random_bytes(490, seed=1)
    line.send(*chunks(5), run(5))
    line.hear(Type.OUTPUT)
    line.send(chunks(6, other)[0], *chunks(5), chunks(6, other)[1], run(6, other))
    assert line.hear(Type.OUTPUT)[-1].payload[4:] == fake_output(other)
    line.send(chunks(6)[0], run(6, other))
    assert line.hear(Type.OUTPUT)[-1].payload[4:] == fake_output(other)


def test_an_older_run_is_stale(line: Line) -> None:
    line.send(*chunks(6), run(6))
    line.hear(Type.OUTPUT)
    for request in (run(5), encode(Type.PROFILE, 5), encode(Type.BENCH, 5, b"\1\0")):
        line.send(request)
        assert line.hear(Type.NAK)[-1] == Frame(Type.NAK, 5, bytes([Nak.STALE]))
    line.send(run(6))
    assert line.hear(Type.OUTPUT)[-1].payload[4:] == fake_output(DATA)


def test_an_older_step_is_stale(line: Line) -> None:
    """What a line says again later must not run a layer again, nor write an input over."""

    def ask(kind: Type, sequence: int, payload: bytes, answer: Type) -> Frame:
        line.send(encode(kind, sequence, payload))
        return line.hear(answer)[-1]

    some = bytes(4) + DATA[:256]
    ask(Type.STEPS, 5, b"\0\0", Type.DONE)
    ask(Type.INPUT, 6, some, Type.MEMORY)
    ask(Type.STEPS, 7, b"\1\0", Type.DONE)
    ask(Type.STEPS, 8, b"\2\0", Type.DONE)
    where = struct.pack("<IH", 0, 4)
    before = ask(Type.READ, 9, where, Type.MEMORY)
    for sequence, kind, payload in (
        (7, Type.STEPS, b"\1\0"),
        (5, Type.STEPS, b"\0\0"),
        (6, Type.INPUT, some),
        (5, Type.PLACED, b"\1\0"),
    ):
        assert ask(kind, sequence, payload, Type.NAK).payload == bytes([Nak.STALE])
    ask(Type.STEPS, 8, b"\2\0", Type.DONE)  # the newest may be asked twice
    assert ask(Type.READ, 10, where, Type.MEMORY).payload == before.payload


def test_sequence_numbers_wrap(line: Line) -> None:
    for sequence in (0xFFFE, 0xFFFF, 0, 1):
        line.send(*chunks(sequence), run(sequence))
        assert line.hear(Type.OUTPUT)[-1].sequence == sequence


def test_hello_lets_a_new_host_begin_anywhere(line: Line) -> None:
    line.send(*chunks(40000), run(40000))
    line.hear(Type.OUTPUT)
    line.send(encode(Type.HELLO, 20000), *chunks(20001), run(20001))
    assert line.hear(Type.OUTPUT)[-1].payload[4:] == fake_output(DATA)


@pytest.mark.parametrize(
    "parts",
    [
        [struct.pack("<H", 0)],
        [struct.pack("<H", 0) + DATA[:255]],
        [struct.pack("<H", 1) + DATA[256:] + b"x"],
        [struct.pack("<H", 2) + b"x"],
        [struct.pack("<H", 65535) + b"x" * 256],
        [b""],
    ],
)
def test_chunks_of_a_wrong_length_or_place_are_dropped(line: Line, parts: list[bytes]) -> None:
    line.send(*(encode(Type.CHUNK, 5, part) for part in parts), run(5))
    assert line.hear(Type.NAK)[-1].payload[:3] == struct.pack("<BH", Nak.MISSING, 0)


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        (0xA0, b"", Nak.TYPE),
        (Type.RUN, b"", Nak.LENGTH),
        (Type.RUN, b"12345", Nak.LENGTH),
        (Type.HELLO, b"1", Nak.LENGTH),
        (Type.BENCH, b"1", Nak.LENGTH),
        (Type.BAUD, b"1", Nak.LENGTH),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    line: Line, kind: int, payload: bytes, reason: Nak
) -> None:
    line.send(encode(kind, 3, payload))
    assert line.hear(Type.NAK)[-1] == Frame(Type.NAK, 3, bytes([reason]))


def test_profile_and_bench_tell_each_time(line: Line) -> None:
    line.send(encode(Type.PROFILE, 1))
    frames = line.hear(Type.DONE)
    assert [frame.type for frame in frames] == [Type.BUSY, *3 * [Type.TICKS], Type.DONE]
    assert [struct.unpack("<HQ", f.payload) for f in frames[1:]] == [
        (0, 100), (1, 200), (2, 300), (3, 600),
    ]  # fmt: skip
    line.send(encode(Type.BENCH, 2, struct.pack("<H", 2)))
    frames = line.hear(Type.DONE)
    assert [struct.unpack("<HQ", f.payload) for f in frames[1:]] == [
        (0, 1001), (1, 1002), (2, 2003),
    ]  # fmt: skip


def test_the_engines_error_is_passed_on() -> None:
    with chip(FAKE_FAILS_AT=1) as port:
        line = Line(port)
        line.send(*chunks(5), run(5))
        assert line.hear(Type.NAK)[-1].payload == bytes([Nak.ENGINE]) + b"kernel refused"
        line.send(*chunks(6), run(6))
        assert line.hear(Type.OUTPUT)[-1].payload[4:] == fake_output(DATA)


def test_an_engine_that_did_not_start_refuses() -> None:
    with chip(FAKE_INIT_FAILS=1) as port:
        line = Line(port)
        for request in (*chunks(5), run(5)), (encode(Type.PROFILE, 6),):
            line.send(*request)
            assert line.hear(Type.NAK)[-1].payload == bytes([Nak.ENGINE]) + b"out of memory"


def test_state_counts_frames(line: Line) -> None:
    line.send(encode(Type.PING, 1), b"\0\x05\x90abc\0", encode(Type.STATUS, 2))
    state = line.hear(Type.STATE)[-1]
    assert struct.unpack("<5I", state.payload) == (4096, 1234, 2048, 2, 1)


def test_text_and_frames_share_the_line(line: Line) -> None:
    line.send(b"name%", *chunks(5), b"name%", run(5), b"name%")
    assert line.hear(Type.OUTPUT)[-1].payload[4:] == fake_output(DATA)


def test_text_commands_end_a_transfer(line: Line) -> None:
    line.send(*chunks(5), b"db load 490%", run(5))
    assert line.hear(Type.NAK)[-1].payload[:3] == struct.pack("<BH", Nak.MISSING, 0)


@pytest.mark.parametrize("broken", [b"\0", b"\0\0\0", b"\0\x04\x81", b"\0\xff\xff\xff", b"db 00"])
def test_a_broken_beginning_costs_at_most_the_frame_after_it(line: Line, broken: bytes) -> None:
    line.send(broken, encode(Type.PING, 1, b"one"), encode(Type.PING, 2, b"two"))
    while line.hear(Type.PONG)[-1].sequence != 2:
        pass
    line.send(broken + b"\0name%")
    line.quiet()


@given(noise=st.lists(st.binary(max_size=80), max_size=12), seed=st.integers(0, 1000))
def test_frames_are_found_between_any_noise(noise: list[bytes], seed: int) -> None:
    data = random_bytes(490, seed)
    with chip() as port:
        line = Line(port)
        for piece in noise:
            line.send(piece.replace(b"reset", b""), b"\0")
        line.send(encode(Type.HELLO, 1), *chunks(2, data), run(2, data))
        deadline = time.monotonic() + 5
        frames: list[Frame] = []
        split = Splitter()
        while not any(frame.type == Type.OUTPUT and frame.sequence == 2 for frame in frames):
            assert time.monotonic() < deadline
            frames += [i for i in split.feed(port.read(4096)) if isinstance(i, Frame)]
        assert frames[-1].payload[4:] == fake_output(data)


def test_a_reset_is_announced() -> None:
    with chip() as port:
        line = Line(port)
        line.send(encode(Type.RESET, 1))
        line.hear(Type.RESETTING)
        line.quiet()


def test_speed_changes_after_the_answer_and_back_without_a_frame() -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    with chip(pass_fds=(writing,), HOST_BAUD_FD=writing, HOST_BAUD_MAX=1000000) as port:
        os.close(writing)
        line = Line(port)
        assert os.read(reading, 100) == b"115200\n"
        line.send(encode(Type.BAUD, 1, struct.pack("<I", 921600)))
        assert line.hear(Type.SPEED)[-1].payload == struct.pack("<IB", 921600, 1)
        assert os.read(reading, 100) == b"921600\n"
        line.send(encode(Type.BAUD, 2, struct.pack("<I", 460800)))
        line.hear(Type.SPEED)
        assert os.read(reading, 100) == b"460800\n"
        assert os.read(reading, 100) == b"921600\n"  # no frame came at the new speed
        line.send(encode(Type.BAUD, 3, struct.pack("<I", 3000000)))
        answers = line.hear(Type.SPEED)
        while len(answers) < 2:
            answers += line.hear(Type.SPEED)
        assert answers[-1].payload == struct.pack("<IB", 921600, 0)
    os.close(reading)
