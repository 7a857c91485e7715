"""Sessions with a chip: what is asked is answered, over good lines and bad ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from faulty_port import Faults, FaultyPort
from hypothesis import given, settings
from hypothesis import strategies as st
from monitor_chip import chip, fake_output, random_bytes

from pipeline.errors import DeviceError, FirmwareCrashed, LinkError
from pipeline.measure import Link, Session
from pipeline.measure.fault import check_fault, parse_fault
from pipeline.measure.transfer import missing_chunks


def test_hello_profile_bench_and_state() -> None:
    with chip(HOST_CLOCK="virtual") as port:
        session = Session(Link(port))
        info = session.hello()
        assert info["engine"] == "fake"
        assert info["input0"].startswith("int8 bytes=490 ")
        assert session.profile() == (100, 200, 300)
        assert session.bench(3) == (1001, 1002, 1003)
        assert session.state().stack_peak_bytes == 1234
        session.ping(b"\0anything\xff")
        session.reset()
        assert session.hello()["model"] == "hash"


def test_an_engine_without_layers_has_an_empty_profile() -> None:
    with chip(FAKE_LAYERS=0) as port:
        session = Session(Link(port))
        session.hello()
        assert session.profile() == ()


@pytest.mark.parametrize(("taken", "given_back"), [(1, 1), (256, 256), (257, 1), (27648, 3000)])
def test_inputs_and_outputs_of_any_size(taken: int, given_back: int) -> None:
    with chip(FAKE_INPUT_BYTES=taken, FAKE_OUTPUT_BYTES=given_back) as port:
        session = Session(Link(port))
        session.hello()
        for seed in range(3):
            data = random_bytes(taken, seed)
            assert session.infer(data).output == fake_output(data, given_back)
        stats = session.stats
        assert (stats.timeouts, stats.naks, stats.broken, stats.discarded) == (0, 0, 0, 0)


NASTY = Faults(drop=1e-3, flip=1e-3, double=5e-4, zero=5e-4, replay=0.05, hold=0.02, cut=0.002)


def accepted(faults: Faults, count: int, seed: int, size: int = 490, answer: int = 12) -> Session:
    """Runs inferences over a bad line; every accepted output has to be right."""
    with chip(FAKE_INPUT_BYTES=size, FAKE_OUTPUT_BYTES=answer) as port:
        session = Session(Link(FaultyPort(port, faults, seed)), silence=0.5)
        session.hello()
        session.profile()
        for i in range(count):
            data = random_bytes(size, i)
            assert session.infer(data).output == fake_output(data, answer)
        return session


@pytest.mark.slow
def test_a_bad_line_never_gives_a_wrong_result() -> None:
    stats = accepted(NASTY, 60, seed=1).stats
    assert stats.naks > 8
    assert stats.timeouts > 2


@pytest.mark.slow
@given(
    drop=st.floats(0, 2e-3),
    flip=st.floats(0, 2e-3),
    double=st.floats(0, 1e-3),
    zero=st.floats(0, 1e-3),
    replay=st.floats(0, 0.2),
    seed=st.integers(0, 1 << 30),
)
@settings(max_examples=6)
def test_no_mixture_of_faults_gives_a_wrong_result(
    drop: float, flip: float, double: float, zero: float, replay: float, seed: int
) -> None:
    accepted(Faults(drop, flip, double, zero, replay), 8, seed)


def test_large_tensors_over_a_bad_line() -> None:
    stats = accepted(Faults(drop=3e-5, flip=3e-5, replay=0.2), 10, 3, size=27648, answer=2000).stats
    assert stats.chunks_resent < 300


def test_a_chip_that_restarts_is_found_again() -> None:
    with chip(FAKE_RESETS_AT=3) as port:
        session = Session(Link(port), silence=2.0)
        session.hello()
        for seed in range(6):
            data = random_bytes(490, seed)
            assert session.infer(data).output == fake_output(data)
        assert session.stats.restarts == 1


def test_a_chip_that_restarts_for_ever_is_given_up() -> None:
    with chip(FAKE_RESETS_AT=1, FAKE_RESETS_ALWAYS=1) as port:
        session = Session(Link(port), silence=2.0)
        session.hello()
        with pytest.raises(DeviceError, match="restarts again and again"):
            session.infer(bytes(490))


@pytest.mark.slow
def test_silence_is_told_with_what_was_heard_last() -> None:
    with chip(FAKE_HANGS_AT=1) as port:
        session = Session(Link(port, where="board"), silence=0.3, give_up=0.5)
        session.hello()
        started = time.monotonic()
        with pytest.raises(LinkError, match=r"no answer within \d\.\d s") as error:
            session.infer(bytes(490))
        assert time.monotonic() - started < 6
        assert "m-init-done" in str(error.value)
        assert error.value.exit_code == 4


def test_a_slow_chip_is_waited_for() -> None:
    with chip(FAKE_SLEEP_MS=400) as port:
        session = Session(Link(port), give_up=0.2)
        session.hello()
        for seed in range(2):
            data = random_bytes(490, seed)
            assert session.infer(data).output == fake_output(data)
        assert session.stats.timeouts == 0


def test_a_line_that_says_nothing() -> None:
    class Deaf:
        port, timeout, in_waiting = "/dev/deaf", None, 0

        def read(self, size: int = 1) -> bytes:
            time.sleep(min(self.timeout or 0, 0.05))
            return b""

        def write(self, data: bytes) -> int:
            return len(data)

    with pytest.raises(LinkError, match="nothing was heard"):
        Session(Link(Deaf()), give_up=0.3).hello()


def test_a_line_that_breaks() -> None:
    with chip() as port:
        session = Session(Link(port))
        session.hello()
        port.write(b"\0")
    with pytest.raises(LinkError, match="the line broke"):
        session.ping()


def test_the_engines_error_is_the_persons() -> None:
    with chip(FAKE_FAILS_AT=1) as port:
        session = Session(Link(port))
        session.hello()
        with pytest.raises(DeviceError, match="kernel refused"):
            session.infer(bytes(490))


def test_an_engine_that_did_not_start() -> None:
    with chip(FAKE_INIT_FAILS=1) as port, pytest.raises(DeviceError, match="out of memory"):
        Session(Link(port)).hello()


def test_a_fault_ends_the_session_with_its_registers() -> None:
    with chip(FAKE_FAULTS_AT=2) as port:
        session = Session(Link(port, where="disco"), silence=2.0)
        session.hello()
        session.infer(bytes(490))
        with pytest.raises(FirmwareCrashed) as error:
            session.infer(bytes(490))
        assert "precise data bus error" in str(error.value)
        assert "pc=0x08001236 lr=0x08001235 cfsr=0x00008200" in str(error.value)


def test_the_function_of_a_fault_is_named() -> None:
    """Uses the test's own chip as the ELF."""
    from elftools.elf.elffile import ELFFile
    from monitor_chip import build_chip

    program = build_chip()
    with program.open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        address = symbols.get_symbol_by_name("engine_infer")[0]["st_value"]
    line = f"e-[fault pc=0x{address + 4:08x} lr=0x00000000]"
    with pytest.raises(FirmwareCrashed, match="crashed in engine_infer"):
        check_fault(line, elf=program)
    with pytest.raises(FirmwareCrashed, match="crashed: pc=0x"):
        check_fault(line, elf=Path("absent.elf"))


def test_ordinary_lines_are_no_faults() -> None:
    for line in ("m-ready", "e-[Unknown command: fault]", "e-[fault]", "e-[fault pc=0x12]"):
        assert parse_fault(line) is None


def test_a_trap_is_put_into_words() -> None:
    with pytest.raises(FirmwareCrashed, match="illegal instruction"):
        check_fault("e-[fault pc=0x20010000 lr=0x00000000 mcause=0x00000002 mtval=0x00000000]")


def test_missing_chunks_are_read_from_bits() -> None:
    assert missing_chunks(b"\2\0" + bytes([0b0000101]), 7) == [2, 4, 6]
    assert missing_chunks(b"\2\0", 5) == [2, 3, 4]
    assert missing_chunks(b"\0\0\xff", 20) == [0, *range(9, 20)]
