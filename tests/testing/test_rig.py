"""The rig: which ports stay open, with boards that are not there."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pipeline.flash
from pipeline.errors import WrongUse
from pipeline.testing.rig import Rig
from pipeline.testing.serial_log import SerialLog


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What happens to the boards, in order."""
    events: list[str] = []

    def flash(image: str, board: Any, on: str, *, port: str, project: Path) -> Any:
        events.append(f"flash {image} {on} {port}".strip())
        return SimpleNamespace(name=image)

    @contextlib.contextmanager
    def connect(device: Any, board: Any) -> Iterator[Any]:
        events.append(f"open {device.name}")
        try:
            yield SimpleNamespace()
        finally:
            events.append(f"close {device.name}")

    monkeypatch.setattr(pipeline.flash, "flash", flash)
    monkeypatch.setattr(pipeline.flash, "connect", connect)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return events


def model(name: str) -> Any:
    class Fake:
        image = name
        project = Path()
        log = SerialLog()

    return Fake()


def test_emulators_stay_open_side_by_side(told: list[str], tmp_path: Path) -> None:
    a, b = model("a"), model("b")
    with Rig("disco_f407vg", "qemu", folder=tmp_path) as rig:
        for deployed in (a, b, a, b):
            rig.open(deployed)
        assert told == ["flash a qemu", "open a", "flash b qemu", "open b"]
    assert told[4:] == ["close a", "close b"]


def test_a_real_board_holds_one_model(told: list[str], tmp_path: Path) -> None:
    a, b = model("a"), model("b")
    with Rig("disco_f407vg", "/dev/ttyACM7", folder=tmp_path) as rig:
        for deployed in (a, a, b, a):
            rig.open(deployed)
    assert told == [
        "flash a auto /dev/ttyACM7", "open a",
        "close a", "flash b auto /dev/ttyACM7", "open b",
        "close b", "flash a auto /dev/ttyACM7", "open a", "close a",
    ]  # fmt: skip


def test_a_real_board_is_kept_from_other_processes(told: list[str], tmp_path: Path) -> None:
    def taken() -> bool:
        with (tmp_path / "mcu-pipeline" / "board_dev_ttyACM7.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    with Rig("disco_f407vg", "/dev/ttyACM7", folder=tmp_path) as rig:
        rig.open(model("a"))
        assert taken()
    assert not taken()


def test_what_is_closed_opens_anew(told: list[str], tmp_path: Path) -> None:
    a = model("a")
    with Rig("disco_f407vg", "qemu", folder=tmp_path) as rig:
        rig.open(a)
        rig.close(a)
        rig.close(a)
        rig.open(a)
    assert told.count("open a") == told.count("close a") == 2


@pytest.mark.parametrize("on", ["moon", "ttyACM0", ""])
def test_a_place_that_is_none(on: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="no place to run"):
        Rig("disco_f407vg", on, folder=tmp_path)
