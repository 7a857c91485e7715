"""MLPerf Tiny's text protocol, by transcript."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitor_chip import SocketPort, build_chip, chip, fake_output, random_bytes

from pipeline.measure.link import Link


def talk(port: SocketPort, command: bytes, answers: int = 1, seconds: float = 5.0) -> str:
    """What comes back until `answers` m-ready lines have come."""
    port.write(command)
    heard = b""
    deadline = time.monotonic() + seconds
    while heard.count(b"m-ready\r\n") < answers:
        assert time.monotonic() < deadline, f"silence after {heard!r}"
        heard += port.read(4096)
        time.sleep(0.0005)
    return heard.decode("ascii")


@pytest.fixture
def port() -> Iterator[SocketPort]:
    with chip(HOST_CLOCK="virtual") as opened:
        greeting = talk(opened, b"")
        assert greeting == (
            "m-timestamp-mode-performance\r\nm-lap-us-0\r\nm-init-done\r\nm-ready\r\n"
        )
        yield opened


def load(port: SocketPort, data: bytes, line: int = 31) -> str:
    heard = talk(port, b"db load %d%%" % len(data))
    for start in range(0, len(data), line):
        heard += talk(port, b"db " + data[start : start + line].hex().encode() + b"%")
    return heard


def test_name_profile_and_time_stamp(port: SocketPort) -> None:
    assert talk(port, b"name%") == "m-name-dut-[mcu-pipeline]\r\nm-ready\r\n"
    assert talk(port, b"profile%") == (
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[hash]\r\nm-ready\r\n"
    )
    assert talk(port, b"timestamp%") == "m-lap-us-0\r\nm-ready\r\n"


def test_a_terminal_may_send_line_ends_and_spaces(port: SocketPort) -> None:
    assert talk(port, b"\r\n name %\r\n") == "m-name-dut-[mcu-pipeline]\r\nm-ready\r\n"


def test_help_announces_every_command(port: SocketPort) -> None:
    text = talk(port, b"help%")
    words = ("name", "profile", "timestamp", "db load", "db print", "infer", "results")
    for word in (*words, "info", "layers", "reset", "Frames"):
        assert re.search(rf"^{word}", text, re.MULTILINE), word


def test_an_input_is_loaded_in_lines_of_31_bytes_and_can_be_printed(port: SocketPort) -> None:
    data = random_bytes(490)
    lines = -(-490 // 31)
    assert load(port, data) == (
        "m-[Expecting 490 bytes]\r\nm-ready\r\n"
        + "m-ready\r\n" * (lines - 1)
        + "m-load-done\r\nm-ready\r\n"
    )
    printed = talk(port, b"db print%").splitlines()
    assert printed[-1] == "m-ready"
    assert printed[0] == "m-buffer-" + data[:8].hex("-")
    assert printed[-2] == "m-buffer-" + data[488:].hex("-")
    assert talk(port, b"db print 3 8%") == f"m-buffer-{data[8:11].hex('-')}\r\nm-ready\r\n"


def test_an_inference_is_told_as_the_runner_reads_it(port: SocketPort) -> None:
    data = random_bytes(490)
    load(port, data)
    reals = [(byte - 256 * (byte > 127) + 3) * 0.5 for byte in fake_output(data)]
    results = "m-results-[" + ",".join(f"{real:.3f}" for real in reals) + "]\r\n"
    assert talk(port, b"infer 1 0%") == (
        "m-warmup-start-0\r\nm-warmup-done\r\nm-infer-start-1\r\n"
        "m-lap-us-0\r\nm-lap-us-1\r\nm-infer-done\r\n" + results + "m-ready\r\n"
    )
    assert talk(port, b"results%") == results + "m-ready\r\n"


def test_results_of_an_overwritten_input_are_refused() -> None:
    """Without a buffer of its own `db` writes into the tensor, which this engine destroys."""
    with chip() as port:
        talk(port, b"")
        load(port, random_bytes(490))
        told = talk(port, b"infer 3 2%")
        assert "m-infer-done" in told
        assert "e-[No results: the first inference overwrote" in told
        assert "m-results" not in told
        assert "e-[An inference needs 'db load 490'" in talk(port, b"infer 1 0%")
        load(port, random_bytes(490))
        assert "m-results-[" in talk(port, b"infer 1 0%")
        assert "e-[The last inference overwrote the input" in talk(port, b"infer 1 0%")


def test_an_input_that_survives_gives_results_of_many_inferences() -> None:
    with chip(FAKE_KEEPS_INPUT=1) as port:
        talk(port, b"")
        load(port, random_bytes(490))
        first = talk(port, b"infer 1 0%").split("m-results")[1]
        assert talk(port, b"infer 3%").split("m-results")[1] == first


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (b"%", "e-[Empty command]"),
        (b"nonsense 1 2%", "e-[Unknown command: nonsense]"),
        (b"x" * 400 + b"%", "e-[Command too long]"),
        (b"y" * 250 + b"%", "e-[Unknown command: " + "y" * 32 + "]"),
        (b"db%", "e-[Command 'db' requires a subcommand]"),
        (b"db load%", "e-[Command 'db load' requires the number of bytes]"),
        (b"db load x%", "e-[Command 'db load' requires the number of bytes]"),
        (b"db load -1%", "e-[Command 'db load' requires the number of bytes]"),
        (b"db load 99999999999999%", "e-[Command 'db load' requires the number of bytes]"),
        (b"db load 0%", "e-[Command 'db load' must be >0 bytes]"),
        (b"db load 491%", "e-[Command 'db load' takes at most 490 bytes]"),
        (b"db 00%", "e-[Command 'db' needs 'db load' first]"),
        (b"db print x%", "e-[Command 'db print' takes numbers]"),
        (b"db print 1 x%", "e-[Command 'db print' takes numbers]"),
        (b"infer 0%", "e-[Inference iterations must be >0]"),
        (b"infer -1%", "e-[Inference iterations must be >0]"),
        (b"infer 1 x%", "e-[Inference warmup must be >=0]"),
        (b"infer 1 0%", "e-[An inference needs 'db load 490' and as many bytes]"),
        (b"results%", "e-[No results]"),
    ],
)
def test_a_bad_command_is_answered(port: SocketPort, command: bytes, complaint: str) -> None:
    assert talk(port, command) == complaint + "\r\nm-ready\r\n"
    assert "m-name" in talk(port, b"name%")


def test_a_wrong_line_of_digits_leaves_the_buffer_as_it_was(port: SocketPort) -> None:
    talk(port, b"db load 4%")
    talk(port, b"db 0102%")
    assert "e-[Odd number of hex digits]" in talk(port, b"db 030%")
    assert "e-[Not a hex digit]" in talk(port, b"db 03zz%")
    assert talk(port, b"db print%") == "m-buffer-01-02\r\nm-ready\r\n"
    assert "m-load-done" in talk(port, b"db 0A0b0c0d%")
    assert talk(port, b"db print 4%") == "m-buffer-01-02-0a-0b\r\nm-ready\r\n"
    assert "e-[The buffer is full]" in talk(port, b"db 00%")


def test_an_engine_that_fails_is_heard() -> None:
    with chip(FAKE_FAILS_AT=1) as port:
        talk(port, b"")
        load(port, random_bytes(490))
        assert "e-[Engine: kernel refused]" in talk(port, b"infer 1 0%")
        assert "e-[No results]" in talk(port, b"results%")


def test_an_engine_that_does_not_start_is_heard() -> None:
    with chip(FAKE_INIT_FAILS=1) as port:
        assert "e-[Engine: out of memory]\r\nm-init-done" in talk(port, b"")
        for command in (b"infer 1 0%", b"db load 490%", b"layers%"):
            assert "e-[Engine: out of memory]" in talk(port, command)
        assert "m-info-[error=out of memory]" in talk(port, b"info%")


def test_layers_are_timed_one_by_one(port: SocketPort) -> None:
    assert talk(port, b"layers%") == (
        "m-layer-0-100\r\nm-layer-1-200\r\nm-layer-2-300\r\nm-ready\r\n"
    )


def test_info_says_what_the_firmware_is(port: SocketPort) -> None:
    lines = talk(port, b"info%").splitlines()
    assert "m-info-[sha256=" + 64 * "0" + "]" in lines
    shown = "m-info-[input0=int8 bytes=490 elements=490 scale=0x3f000000 zero_point=-3 at=0x"
    assert any(line.startswith(shown) for line in lines)
    for key in ("engine", "model", "layers", "arena_bytes", "clock_hz", "tick_source", "tick_hz",
                "stack_bytes", "stack_peak_bytes"):  # fmt: skip
        assert any(line.startswith(f"m-info-[{key}=") for line in lines), key


def test_reset_greets_again(port: SocketPort) -> None:
    assert "m-init-done" in talk(port, b"reset%")


def test_a_fault_is_reported_to_whoever_asks() -> None:
    with chip(FAKE_FAULTS_AT=1) as port:
        talk(port, b"")
        load(port, random_bytes(490))
        port.write(b"infer 1 0%")
        line = (
            "e-[fault pc=0x08001236 lr=0x08001235 cfsr=0x00008200 hfsr=0x40000000 "
            "bfar=0xdeadbeef mmfar=0xdeadbeef]"
        )
        for _ in range(2):
            heard = b""
            while b"]" not in heard.split(b"e-[fault")[-1] or b"e-[fault" not in heard:
                heard += port.read(4096)
            assert line in heard.decode()
            port.write(b"name%")


@given(
    value=st.one_of(
        st.floats(width=32, allow_nan=False, allow_infinity=False),
        st.sampled_from([0.0, 1.0, 0.0005, 0.9995, 2.5e-3, 16777216.0, 1e30, -1e-9]),
    )
)
def test_reals_are_printed_as_printf_does(value: float) -> None:
    """A float32 tensor is its own result vector."""
    raw = struct.pack("<f", value)
    with chip(FAKE_INPUT_BYTES=4, FAKE_OUTPUT_BYTES=4, FAKE_DTYPE=4, FAKE_COPIES=1) as port:
        talk(port, b"")
        load(port, raw)
        told = talk(port, b"infer 1 0%").split("m-results-[")[1].split("]")[0]
    expected = f"{struct.unpack('<f', raw)[0]:.3f}"
    if abs(value) >= 2**63:
        expected = "-inf" if value < 0 else "inf"
    assert told == expected


@given(noise=st.binary(max_size=600))
def test_noise_never_silences_the_monitor(noise: bytes) -> None:
    """Sanitizers watch; after any bytes, a zero and a command are answered."""
    with chip(FAKE_INPUT_BYTES=70) as port:
        port.write(noise.replace(b"reset", b"") + b"\0name%")
        heard = b""
        deadline = time.monotonic() + 5
        while b"m-name-dut-[mcu-pipeline]\r\nm-ready\r\n" not in heard:
            assert time.monotonic() < deadline, heard
            heard += port.read(4096)


WORDS = [b"db ", b"load ", b"print ", b"infer ", b"1 ", b"7 ", b"00", b"%", b"results", b"info"]


@given(words=st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=3)), max_size=60))
def test_commands_in_any_order_are_survived(words: list[bytes]) -> None:
    with chip(FAKE_INPUT_BYTES=7) as port:
        port.write(b"".join(words).replace(b"\0", b"") + b"%name%")
        heard = b""
        deadline = time.monotonic() + 5
        while b"m-name-dut-[mcu-pipeline]\r\nm-ready\r\n" not in heard:
            assert time.monotonic() < deadline, heard
            heard += port.read(4096)


def test_the_link_hears_lines(port: SocketPort) -> None:
    link = Link(port)
    port.write(b"name%")
    assert link.next(2.0) == "m-name-dut-[mcu-pipeline]"
    assert link.next(2.0) == "m-ready"
    assert link.next(0.01) is None


def test_the_monitor_needs_little_memory() -> None:
    """The smallest build still takes the runner's lines."""
    assert build_chip("MONITOR_CHUNK_BYTES=64", "MONITOR_WINDOW_CHUNKS=8").exists()
    with chip("MONITOR_CHUNK_BYTES=64", "MONITOR_WINDOW_CHUNKS=8") as port:
        talk(port, b"")
        data = random_bytes(490)
        load(port, data)
        assert "m-results" in talk(port, b"infer 1 0%")
