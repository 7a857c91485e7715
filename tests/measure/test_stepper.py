"""An inference layer by layer: nothing runs twice, whatever the line does."""

from __future__ import annotations

import pytest
from faulty_port import Faults, FaultyPort
from monitor_chip import chip, random_bytes

from pipeline.errors import DeviceError
from pipeline.measure import Link, Session

DATA = random_bytes(490, 5)


def stepped(data: bytes, layers: int) -> bytes:
    """What the fake engine makes of its input: a layer adds one to the byte of its number."""
    return bytes((v + (i < layers)) % 256 for i, v in enumerate(data))


def test_layers_run_one_after_the_other() -> None:
    with chip() as port:
        session = Session(Link(port))
        session.hello()
        stepper = session.stepper()
        for _ in range(2):
            stepper.begin(DATA)
            assert stepper.read(0, 490) == DATA
            for layers in (1, 2, 2, 3):
                stepper.run(layers)
                assert stepper.read(0, 490) == stepped(DATA, layers)
        assert stepper.read(2040, 100) == bytes(8), "the arena has 2,048 bytes"
        assert stepper.read(5000, 4) == b""


def test_a_bad_line_runs_no_layer_twice() -> None:
    faults = Faults(drop=5e-4, flip=3e-4, double=2e-4, replay=0.05)
    for seed in range(3):
        with chip() as port:
            session = Session(Link(FaultyPort(port, faults, seed)), silence=0.5)
            session.hello()
            stepper = session.stepper()
            stepper.begin(DATA)
            for layers in (1, 2, 3):
                stepper.run(layers)
            assert stepper.read(0, 490) == stepped(DATA, 3)


def test_inferences_go_on_afterwards() -> None:
    from monitor_chip import fake_output

    with chip() as port:
        session = Session(Link(port))
        session.hello()
        before = session.infer(DATA)
        session.stepper().run(2)
        assert before.output == fake_output(DATA)
        assert session.infer(DATA).output == fake_output(DATA)


def test_more_layers_than_there_are() -> None:
    with chip() as port:
        session = Session(Link(port))
        session.hello()
        with pytest.raises(DeviceError):
            session.stepper().run(4)
