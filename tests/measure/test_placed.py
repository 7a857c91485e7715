"""Inferences whose tensors a debugger moves: the same answers as over the line, and fast."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence

import numpy as np
import pytest
from monitor_chip import chip, random_bytes
from tiny_firmware import tiny_image

from pipeline.board import load_board
from pipeline.errors import DeviceError, LinkError
from pipeline.flash import Device, connect
from pipeline.measure import Link, Session
from pipeline.measure.placed import blocks

DISCO = load_board("disco_f407vg")


def test_blocks_are_what_the_firmware_says() -> None:
    info = {"inputs": "2", "input0": "int8 bytes=4 elements=4 scale=0x3f800000 zero_point=0 "
            "at=0x20000400", "input1": "int8 bytes=8 elements=8 scale=0x0 zero_point=0 "
            "at=0x20000404"}  # fmt: skip
    assert blocks(info, "input") == [(0x20000400, 4), (0x20000404, 8)]
    assert blocks(info, "output") == []
    unplaced = {**info, "input1": "int8 bytes=8 elements=8 scale=0x0 zero_point=0"}
    assert len(blocks(unplaced, "input")) == 1
    with pytest.raises(DeviceError, match="input1='int8 bytes=8', which can't be"):
        blocks({**info, "input1": "int8 bytes=8"}, "input")


def test_a_port_without_memory_takes_the_line() -> None:
    inputs = [random_bytes(490, seed) for seed in range(3)]
    with chip() as port:
        session = Session(Link(port))
        session.hello()
        over_the_line = [session.infer(data).output for data in inputs]
        assert [answer.output for answer in session.infer_all(inputs)] == over_the_line
        assert session.stats.placed == 0


class _NoMemory:
    """A debugger that moves nothing: the chip waits for its input in vain."""

    def move(
        self,
        reads: Sequence[tuple[int, int]] = (),
        writes: Sequence[tuple[int, bytes]] = (),
    ) -> list[bytes]:
        return [bytes(count) for _, count in reads]


def test_an_input_that_never_comes_is_an_error() -> None:
    with chip(sanitize=False) as port:
        session = Session(Link(port), silence=20.0)
        session.hello()
        port.memory = _NoMemory()  # type: ignore[attr-defined]
        with pytest.raises(DeviceError, match="refuses"):
            list(session.infer_all([random_bytes(490)] * 2))


@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.parametrize("board_id", ["disco_f407vg", "mps2_an386", "hifive1-revb"])
def test_answers_and_costs_are_those_over_the_line(board_id: str) -> None:
    board, image = load_board(board_id), tiny_image(board_id)
    inputs = [np.arange(i, i + 4, dtype=np.int8).tobytes() for i in range(40)]
    with connect(Device("qemu", board_id, image.elf), board) as port:
        session = Session(Link(port))
        session.hello()
        session.profile()
        plain = [session.infer(data) for data in inputs]
        placed = list(session.infer_all(inputs))
        assert [answer.output for answer in placed] == [answer.output for answer in plain]
        assert {answer.ticks for answer in placed} == {answer.ticks for answer in plain}
        assert session.stats.placed == len(inputs) - 1
        assert session.infer(inputs[3]).output == plain[3].output


@pytest.mark.qemu
@pytest.mark.slow
def test_memory_that_is_not_there_is_an_error() -> None:
    image = tiny_image("disco_f407vg")
    with connect(Device("qemu", "disco_f407vg", image.elf), DISCO) as port:
        time.sleep(0.2)
        (flash,) = port.memory.move([(0x08000000, 8)])
        stack, start = struct.unpack("<II", flash)
        assert 0x20000000 < stack <= 0x20020000 and start & 1
        with pytest.raises(DeviceError, match="no such memory"):
            port.memory.move([(0x70000000, 8)])
        port.memory.close()


@pytest.mark.qemu
@pytest.mark.slow
def test_an_emulator_that_ends_is_an_error() -> None:
    import psutil

    image = tiny_image("disco_f407vg")
    with (
        pytest.raises((DeviceError, LinkError)),
        connect(Device("qemu", "disco_f407vg", image.elf), DISCO) as port,
    ):
        session = Session(Link(port))
        session.hello()
        answers = session.infer_all([bytes(4)] * 100)
        next(answers)
        next(answers)
        emulators = psutil.Process().children(recursive=True)
        next(child for child in emulators if "qemu" in child.name()).kill()
        list(answers)
