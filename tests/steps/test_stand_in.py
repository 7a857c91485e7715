"""Boards that stand in: offered by name where only Renode has the board, and always said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.board import load_board
from pipeline.cli.app import app
from pipeline.errors import ToolMissing, WrongUse
from pipeline.flash import renode
from pipeline.steps import stand_in
from pipeline.steps.stand_in import check_emulator, check_stand_in, stand_ins

DIGITS = Path(__file__).resolve().parents[2] / "pipeline/cli/digits"


@pytest.fixture(autouse=True)
def no_renode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Renode, and no board connected."""
    monkeypatch.delenv("RENODE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    which = shutil.which
    hidden = lambda name: None if "renode" in name else which(name)  # noqa: E731
    monkeypatch.setattr(renode.shutil, "which", hidden)
    monkeypatch.setattr(stand_in, "ports", lambda: ())


@pytest.mark.parametrize(
    ("board", "nearest"),
    [
        ("nucleo_f446re", "disco_f407vg"),  # of the same family
        ("nrf52840_dk", "mps2_an386"),  # the other has too little RAM
        ("bluepill_f103c8", "mps2_an385"),
        ("disco_f746ng", "mps2_an500"),
    ],
)
def test_the_nearest_stands_in(board: str, nearest: str) -> None:
    assert stand_ins(load_board(board))[0] == nearest


def test_a_board_without_a_like() -> None:
    assert stand_ins(load_board("uno_r4_minima"))
    assert stand_ins(load_board("pico")) == ()


@pytest.mark.parametrize("on", ["auto", "renode"])
def test_without_renode_it_and_the_stand_in_are_named(on: str) -> None:
    with pytest.raises(ToolMissing) as caught:
        check_emulator(load_board("nucleo_f446re"), on, "")
    assert "mcu renode install" in caught.value.hint
    assert "--on qemu --like disco_f407vg" in caught.value.hint
    with pytest.raises(WrongUse, match="no machine") as refused:
        check_emulator(load_board("nucleo_f446re"), "qemu", "")
    assert "--like disco_f407vg" in refused.value.hint


def test_where_nothing_is_missing_nothing_is_said() -> None:
    check_emulator(load_board("disco_f407vg"), "auto", "")
    check_emulator(load_board("nucleo_f446re"), "auto", "/dev/ttyACM0")  # a real one
    check_emulator(load_board("nucleo_f446re"), "probe", "")


def test_what_can_not_stand_in() -> None:
    nucleo = load_board("nucleo_f446re")
    with pytest.raises(WrongUse, match="another core") as caught:
        check_stand_in(nucleo, "mps2_an500", "qemu")
    assert "disco_f407vg, mps2_an386" in caught.value.hint
    with pytest.raises(WrongUse, match="not on renode"):
        check_stand_in(nucleo, "mps2_an386", "renode")
    with pytest.raises(WrongUse):
        check_stand_in(nucleo, "no_such_board", "qemu")
    assert check_stand_in(nucleo, "mps2_an386", "auto").id == "mps2_an386"


def test_deploy_stops_before_any_work(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app,
        ["deploy", str(DIGITS / "digits.tflite"), "-b", "nucleo_f446re",
         "-d", str(DIGITS / "digits.npz"), "--out", str(tmp_path / "run")],
    )  # fmt: skip
    assert done.exit_code == 1
    assert "--on qemu --like disco_f407vg" in done.stderr
    assert not (tmp_path / "run").exists()
