"""`--mlperf`: a firmware that answers as MLPerf Tiny wants, and that benchmark's rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def kws(shared: Path) -> Path:
    return shared / "models/kws_ref_int8.tflite"


@pytest.mark.parametrize("command", ["deploy", "render"])
def test_an_unknown_benchmark_is_answered_with_those_there_are(mcu, kws: Path, command) -> None:
    ran = mcu(command, kws, "--board", "disco_f407vg", "--mlperf", "kws02")
    assert ran.code == 2
    assert "'kws02' is not known" in ran.err
    assert "kws01, ic01, vww01, ad01" in ran.err


def test_a_benchmark_of_another_input_is_refused(mcu, kws: Path) -> None:
    ran = mcu("render", kws, "--board", "disco_f407vg", "--mlperf", "ic01", "--out", "run")
    assert ran.code == 2
    assert "ic01 sends 3072 int8 values, the model takes 490 int8" in ran.err
    assert not Path("run/project").exists()


def test_the_benchmark_is_in_the_project_and_on_record(mcu, kws: Path) -> None:
    render = ("render", kws, "--board", "disco_f407vg", "--out", "run")
    assert mcu(*render).code == 0
    assert "MONITOR_MODEL_ID" not in Path("run/project/platformio.ini").read_text()
    assert json.loads(Path("run/program.json").read_text())["mlperf"] == ""
    assert mcu(*render, "--mlperf", "kws01").code == 0  # another key: rendered anew
    settings = Path("run/project/platformio.ini").read_text()
    assert "-DMONITOR_DB_BYTES=490u" in settings
    assert '-DMONITOR_MODEL_ID="kws01"' in settings
    assert json.loads(Path("run/program.json").read_text())["mlperf"] == "kws01"
