"""`mcu demo`, and what comes with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.resources import VERSION

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "pipeline/cli/digits"
EXAMPLE = ROOT / "examples/ci-example"


def test_it_is_the_examples_network_and_data() -> None:
    for name, folder in (("digits.tflite", "models"), ("digits.npz", "tests")):
        assert (FILES / name).read_bytes() == (EXAMPLE / folder / name).read_bytes()
    with np.load(FILES / "digits.npz") as data:
        assert data["x"].shape == (100, 8, 8, 1)
    assert "CC BY 4.0" in (FILES / "README.md").read_text()


def test_version(mcu) -> None:
    ran = mcu("--version")
    assert (ran.code, ran.out) == (0, f"mcu {VERSION}\n")


def test_a_board_without_an_emulator_here_is_told_before_any_work(
    mcu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENODE", "/nowhere")
    ran = mcu("demo", "--board", "nucleo_f446re")
    assert ran.code != 0
    assert "mcu renode install" in ran.err
    assert not Path("runs").exists()


def test_the_doctor_of_a_board(mcu) -> None:
    ran = mcu("doctor", "--board", "mps2_an386", "--json")
    assert [check["name"] for check in ran.json] == ["build", "on qemu"]
    assert mcu("doctor", "--run", "nothing").code == 2


def test_the_bundle_lists_what_is_inside(mcu) -> None:
    ran = mcu("doctor", "--board", "mps2_an386", "--bundle", "report.zip")
    assert ran.code == 0
    assert all(name in ran.out for name in ("system.json", "doctor.json", "packages.txt"))
    assert Path("report.zip").is_file()
