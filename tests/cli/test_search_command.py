"""`mcu search` as a person and as a machine meet it; whole searches are in tests/search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.board import boards, load_board
from pipeline.cli.search import line_of, table
from pipeline.search.front import OBJECTIVES, Front, Tried

MEASURED = Tried(
    3, "measured", "neurons:0.5", "size",
    {"accuracy": 0.9525, "instructions": 1_033_720, "flash_bytes": 25_504, "ram_bytes": 2_072}, {},
)  # fmt: skip
ENDED = Tried(4, "ended", "magnitude:0.9", "speed", {}, {}, "accuracy 0.7 is below the floor")


def test_help_has_examples(mcu) -> None:
    ran = mcu("search", "--help")
    assert ran.code == 0
    assert "  mcu search digits.keras" in ran.out
    assert "postgresql://" in ran.out


def test_a_trial_is_one_line() -> None:
    assert line_of(MEASURED) == (
        "trial 3: neurons:0.5, size: accuracy 95.2 %, instructions 1,033,720, flash 25,504, "
        "RAM 2,072"
    )
    assert line_of(ENDED).endswith("ended early: accuracy 0.7 is below the floor")


def test_the_front_is_a_table() -> None:
    lines = table(Front("net", "disco_f407vg", OBJECTIVES, (MEASURED, ENDED), (3,))).splitlines()
    assert lines[0] == "net on disco_f407vg: 1 measured, 1 ended early; 1 on the Pareto front"
    assert lines[1].split() == ["trial", "accuracy", "instructions", "flash", "RAM", "how"]
    assert lines[2].endswith("neurons:0.5, size")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("-b", "disco_f407",), "disco_f407vg"),
        (("-b", "disco_f407vg", "--max-drop", "2"), "--max-drop"),
        (("-b", "disco_f407vg", "--trials", "-1"), "trials"),
        (("-b", "disco_f407vg", "--schemes", "int8,int4"), "--schemes"),
        (("-b", "disco_f407vg", "--clusters", "1"), "--clusters"),
        (("-b", "disco_f407vg", "--workers", "0"), "workers"),
        (("-b", "disco_f407vg", "--engine", "onnx"), "--engine"),
        (("-b", "disco_f407vg", "--out", "mine"), "thesis.txt"),
        (("-b", "disco_f407vg", "--storage", "no url"), "no database URL"),
        (("-b", "disco_f407vg", "--pick", "3"), "no study"),
    ],
)  # fmt: skip
def test_options_without_sense(mcu, shared: Path, tmp_path: Path, options, says: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    model = shared / "models/ad01_int8.tflite"
    ran = mcu("search", model, "--data", "random", *options)
    assert ran.code == 2, ran.err
    assert says in ran.err
    assert not (tmp_path / "runs").exists()
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_board_without_an_emulator(mcu, shared: Path) -> None:
    lonely = [board for board in boards() if not load_board(board).emulators]
    if not lonely:
        pytest.skip("every board has an emulator")
    ran = mcu("search", shared / "models/ad01_int8.tflite", "-d", "random", "-b", lonely[0])
    assert ran.code == 2
    assert "no emulator" in ran.err


def test_it_needs_data_and_a_model(mcu, shared: Path, tmp_path: Path) -> None:
    model = shared / "models/ad01_int8.tflite"
    ran = mcu("search", model, "-b", "disco_f407vg")
    assert (ran.code, "--data" in ran.err) == (2, True)
    np.savez(tmp_path / "bad.npz", z=np.zeros(3))
    (tmp_path / "bad.keras").write_bytes(b"no model")
    ran = mcu("search", tmp_path / "bad.keras", "-b", "disco_f407vg", "-d", "random", "--json")
    assert ran.code == 1
    assert ran.json["error"]["kind"] == "ModelError"


def test_what_can_not_fit_is_ended_before_it_is_built(mcu, shared: Path, tmp_path: Path) -> None:
    model = shared / "models/ad01_int8.tflite"
    ran = mcu("search", model, "-b", "bbcmicrobit", "-d", "random", "--out", "s", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["front"] == []
    assert [t["state"] for t in ran.json["trials"]] == ["ended"] * 3
    assert all("does not fit: flash overflows" in t["reason"] for t in ran.json["trials"])
    assert not (tmp_path / "s/trials").exists()
    again = mcu("search", model, "-b", "bbcmicrobit", "-d", "random", "--out", "s")
    assert "0 measured, 3 ended early" in again.out
    assert "trial" not in again.err.replace("0/3", ""), "nothing is tried twice"
