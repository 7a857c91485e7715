"""Hostile chips: a monitor's answers, mutated, against all the host does with a chip.

Frames keep a right CRC, as those of a chip that somebody has written for it have. Time is
virtual: a wait of a minute costs nothing here, and is measured.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from pipeline.board import load_board
from pipeline.flash import Device
from pipeline.flash.flasher import hear_ready
from pipeline.load import Dataset, FlatModel
from pipeline.measure import Link, Session
from pipeline.measure import measuring as measuring_module
from pipeline.measure.frames import Frame, Type
from pipeline.measure.mlperf import Benchmark, accuracy, performance
from pipeline.measure.monitor import Monitor

from .chip import Chip, Clock, Item, Memory, Port

MOST_SECONDS = 240.0  # of all requests of a case together
_MOST_ITEMS = 600  # that become of one answer
BOARD = load_board("disco_f407vg")
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
            1 << 33, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)  # fmt: skip
_TEXTS = ("", "-1", "1e999", "nan", "inf", "9" * 30, "9" * 5000, "0x10", "\x1b[2J", "\xb2", "=",
          "%s", "\r", "int8", "a" * 3000, "4294967296", "0", "1,2,,3", "--", "١٢")  # fmt: skip
_LINES = ("m-init-done", "m-ready", "e-[fault pc=0x08001235 lr=0x08001236]", "e-[x]", "!",
          "m-results-[nan,inf]", "m-lap-us-" + "9" * 4400, "\x1b]0;x\x07")  # fmt: skip
_KINDS = ("drop", "double", "type", "sequence", "cut", "longer", "byte", "number", "noise", "text",
          "line", "raw", "storm", "silence", "endless", "repeat")  # fmt: skip
WORK = ("session", "measure", "mlperf", "placed", "ready", "stepper")


def make_case(rng: random.Random) -> bytes:
    """A chip, what is asked of it, and what becomes of its answers."""
    changes = [
        {
            "kind": rng.choice(_KINDS),
            "at": rng.randrange(24) if rng.random() < 0.7 else None,
            "type": int(rng.choice(list(Type))) if rng.random() < 0.5 else None,
            "seed": rng.randrange(1 << 30),
        }
        for _ in range(rng.choice((1, 1, 1, 2, 3)))
    ]
    plan = {
        "work": rng.choice(WORK),
        "outputs": rng.choice((1, 4, 300)),
        "layers": rng.choice((0, 1, 3, 20)),
        "changes": changes,
    }
    return json.dumps(plan).encode()


def try_case(case: bytes) -> None:
    """Does it all; a wait of more than four minutes is a failure too."""
    plan = json.loads(case)
    clock = Clock()
    begun = clock.now
    try:
        with patch("time.monotonic", clock.monotonic), patch("time.sleep", clock.sleep):
            _WORK[plan["work"]](plan, clock)
    finally:
        assert clock.now - begun < MOST_SECONDS, f"waited for {clock.now - begun:.0f} s"


class _Changes:
    """Applies a plan's changes to the answers as they go by."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._changes = plan["changes"]
        self._count = 0
        self._silent = False
        self.port: Port | None = None

    def __call__(self, item: Item) -> list[Item]:
        number, self._count = self._count, self._count + 1
        items = [item]
        for change in self._changes:
            typed = change["type"]
            fits = typed is None or (isinstance(item, Frame) and item.type == typed)
            if fits and change["at"] in (None, number):
                rng = random.Random(f"{change['seed']}/{number}")
                kind, before, items = change["kind"], items, []
                for old in before:
                    if len(items) < _MOST_ITEMS:  # what a line can carry
                        items += self._changed(old, kind, rng)
        return [] if self._silent else items

    def _changed(self, item: Item, kind: str, rng: random.Random) -> list[Item]:
        if kind == "drop":
            return []
        if kind in ("double", "repeat"):
            return [item] * (2 if kind == "double" else 300)
        if kind == "silence":
            self._silent = True
            return []
        if kind == "line":
            return [rng.choice(_LINES), item]
        if kind == "raw":
            return [rng.randbytes(rng.choice((1, 30, 3000)))]
        if kind == "noise":
            return [item, bytes([0]) + rng.randbytes(20) + bytes([0])]
        if kind == "endless" and self.port is not None:
            from pipeline.measure.frames import encode

            self.port.endless = (
                encode(item.type & 0xFF, item.sequence & 0xFFFF, item.payload)
                if isinstance(item, Frame)
                else str(item).encode("latin-1", "replace") + b"\r\n"
            )  # fmt: skip
            return [item]
        if isinstance(item, Frame):
            return _frame(item, kind, rng)
        return [_text(str(item), rng)] if isinstance(item, str) else [item]


def _frame(frame: Frame, kind: str, rng: random.Random) -> list[Item]:
    data = bytearray(frame.payload)
    number, sequence = frame.type, frame.sequence
    if kind == "type":
        number = int(rng.choice(list(Type))) if rng.random() < 0.8 else rng.randrange(256)
    elif kind == "sequence":
        sequence += rng.choice((-1, 1, 0x8000))
    elif kind == "cut":
        del data[rng.randrange(len(data) + 1) :]
    elif kind == "longer":
        data += rng.randbytes(rng.choice((1, 4, 300, 30000)))
    elif kind == "byte" and data:
        data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == "number" and data:
        size = rng.choice((1, 2, 4, 8))
        at = rng.randrange(len(data))
        value = rng.choice(_NUMBERS) % (1 << 8 * size)
        data[at : at + size] = value.to_bytes(size, "little")
    elif kind == "text":
        data[2:] = _text(bytes(data[2:]).decode("latin-1"), rng).encode("latin-1", "replace")
    elif kind == "storm":
        return [Frame(number, sequence, rng.randbytes(rng.randrange(40))) for _ in range(200)]
    return [Frame(number, sequence, bytes(data))]


def _text(text: str, rng: random.Random) -> str:
    """A word, a number, a value or a line of it is another."""
    cuts = [i for i, c in enumerate(text) if c in "=[ ,\n-"]
    if not cuts or rng.random() < 0.1:
        return rng.choice(_TEXTS)
    at = rng.choice(cuts) + 1
    end = min((text.find(c, at) for c in "\n ],=" if text.find(c, at) >= 0), default=len(text))
    return text[:at] + rng.choice(_TEXTS) + text[end:]


# What is asked of the chips ---------------------------------------------------------------


def _port(plan: dict[str, Any], clock: Clock, **chip: Any) -> tuple[Chip, Port]:
    changes = _Changes(plan)
    made = Chip(**{"outputs": plan["outputs"], "layers": plan["layers"], **chip})
    port = Port(made, clock, lambda item: [item])
    port._change = changes
    changes.port = port
    return made, port


def _session(plan: dict[str, Any], clock: Clock) -> None:
    _, port = _port(plan, clock)
    session = Session(Link(port), silence=20.0)
    session.hello()
    session.raise_speed()
    session.profile()
    for answer in session.infer_all(bytes(490) for _ in range(3)):
        assert len(answer.output) == plan["outputs"]
    session.bench(5)
    session.state()
    session.reset()
    session.hello()


def _stepper(plan: dict[str, Any], clock: Clock) -> None:
    _, port = _port(plan, clock)
    session = Session(Link(port), silence=20.0)
    session.hello()
    stepper = session.stepper()
    stepper.begin(bytes(490))
    stepper.run(1)
    assert len(stepper.read(0, 700)) <= 700


def _placed(plan: dict[str, Any], clock: Clock) -> None:
    made, port = _port(plan, clock)
    port.memory = Memory(made, port)  # type: ignore[attr-defined]
    session = Session(Link(port), silence=20.0)
    session.hello()
    list(session.infer_all(bytes(490) for _ in range(4)))


def _ready(plan: dict[str, Any], clock: Clock) -> None:
    _, port = _port(plan, clock)
    hear_ready(port, BOARD, ask=True)


def _mlperf(plan: dict[str, Any], clock: Clock) -> None:
    _, port = _port(plan, clock, model="kws01", outputs=12)
    monitor = Monitor(Link(port), 5.0)
    monitor.settle()
    monitor.name()
    monitor.info()
    benchmark = Benchmark("kws01", "int8", 20, 12, 1, "kws", 0.9)
    samples = [np.zeros(20, np.int8)] * 2
    performance(monitor, benchmark, samples, least_seconds=0.1, timeout=20.0)
    accuracy(monitor, benchmark, samples, np.zeros(2, np.int64))


class _Reference:
    """Stands for the interpreter beside: no process for each case."""

    name, reason = "none", ""
    rulings = ()

    def __init__(self, *_: object) -> None:
        pass

    def outputs(self) -> None:
        return None

    def __enter__(self) -> _Reference:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@cache
def _model() -> FlatModel:
    tests = Path(__file__).resolve().parents[1]
    sys.path += [str(tests / "codegen"), str(tests / "runtime")]
    from networks import Net

    net = Net()
    x = net.conv(net.input(1, 7, 7, 10), 4)
    return FlatModel("net", net.bytes(net.fc(net.reshape(net.mean(x), 1, 4), 4)))


def _measure(plan: dict[str, Any], clock: Clock) -> None:
    model = _model()
    _, port = _port(plan, clock, sha256=model.sha256, outputs=4)
    device = Device("serial", BOARD.id, Path(tempfile.gettempdir()) / "none.elf", "/dev/ttyACM0")
    data = Dataset("zeros", np.zeros((3, 7, 7, 10), np.int8), None, True)
    with patch.object(measuring_module, "Reference", _Reference):
        found = measuring_module.measure(device, BOARD, model, data, port=port)
    json.dumps(found.firmware)
    assert all(c.isprintable() for value in found.firmware.values() for c in value)
    assert found.latency.median >= 0


_WORK: dict[str, Callable[[dict[str, Any], Clock], None]] = {
    "session": _session, "measure": _measure, "mlperf": _mlperf, "placed": _placed,
    "ready": _ready, "stepper": _stepper,
}  # fmt: skip
