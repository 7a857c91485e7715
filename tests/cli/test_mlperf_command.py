"""`--mlperf`: a firmware that answers as MLPerf Tiny wants, and that benchmark's rules."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
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


@pytest.mark.parametrize("spec", ["kws01:power", ":energy"])
def test_an_unknown_mode_is_answered_with_those_there_are(mcu, kws: Path, spec: str) -> None:
    ran = mcu("render", kws, "--board", "disco_f407vg", "--mlperf", spec)
    assert ran.code == 2
    assert ":energy" in ran.err


def test_energy_mode_is_in_the_project(mcu, kws: Path) -> None:
    ran = mcu("render", kws, "--board", "disco_f407vg", "--out", "run", "--mlperf", "kws01:energy")
    assert ran.code == 0, ran.err
    settings = Path("run/project/platformio.ini").read_text()
    assert "-DMONITOR_ENERGY=1u" in settings
    assert '-DMONITOR_MODEL_ID="kws01"' in settings


def test_a_port_without_a_pin_for_time_stamps_has_no_energy_mode(mcu, kws: Path) -> None:
    ran = mcu("render", kws, "--board", "mps2_an386", "--out", "run", "--mlperf", "kws01:energy")
    assert ran.code == 2
    assert "has no pin for time stamps" in ran.err


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


@pytest.mark.slow
@pytest.mark.qemu
class TestMeasured:
    def test_the_rules_are_followed_and_a_submission_written(self, mcu, kws_run, shared) -> None:
        data = ("--data", shared / "data/kws01.npz", "--samples", "5")
        ran = mcu("measure", kws_run, "--mlperf", *data, "--window", "0.02", "--json")
        assert ran.code == 0, ran.err
        speed, quality = ran.json["performance"], ran.json["accuracy"]
        assert len(speed["seconds"]) == 5
        assert min(speed["seconds"]) >= 0.02
        assert not speed["valid"]  # windows too short, and an emulator
        assert not ran.json["latency"]
        assert quality["samples"] == 5
        assert quality["top1"] >= 0.6
        made = kws_run / "mlperf"
        files = {str(p.relative_to(made)) for p in made.rglob("*") if p.is_file()}
        place = "results/disco_f407vg_qemu/kws"
        assert files == {
            "mlperf.json",
            "systems/disco_f407vg_qemu.json",
            *(f"{place}/{mode}/{name}.txt" for mode in ("performance", "accuracy")
              for name in ("results", "log")),
        }  # fmt: skip
        assert json.loads((made / "mlperf.json").read_text()) == ran.json
        for mode in ("performance", "accuracy"):
            assert "not a latency" in (made / place / mode / "results.txt").read_text()
        log = (made / place / "performance/log.txt").read_text()
        assert log.count("m-warmup-start-10\n") == 6  # the first tells how long five will take
        assert max(len(line) for line in log.splitlines() if line.startswith("> db ")) == 68

    def test_it_is_a_step_of_the_run(self, mcu, kws_run, shared) -> None:
        words = ("measure", kws_run, "--mlperf", "--data", shared / "data/kws01.npz", "--json",
                 "--samples", "1", "--window", "0.02")  # fmt: skip
        first = mcu(*words)
        assert first.code == 0, first.err
        made = kws_run / "mlperf/mlperf.json"
        written = made.stat().st_mtime_ns
        assert mcu(*words).json == first.json
        assert made.stat().st_mtime_ns == written
        made.write_text("{}")  # not what the step left: it is run again
        assert mcu(*words).json["accuracy"]["samples"] == 1
        assert made.stat().st_mtime_ns != written

    def test_energy_mode_speaks_in_pulses(self, mcu, shared) -> None:
        model = shared / "models/kws_ref_int8.tflite"
        ran = mcu("deploy", model, "-b", "disco_f407vg", "--mlperf", "kws01:energy", "--on",
                  "qemu", "--until", "flash", "--out", "energy")  # fmt: skip
        assert ran.code == 0, ran.err
        from pipeline.board import load_board
        from pipeline.flash import Device, connect

        board = load_board("disco_f407vg")
        with connect(Device("qemu", board.id, Path("energy/firmware.elf")), board) as line:
            line.timeout = 10
            greeting = line.read_until(b"m-ready\r\n")
            assert b"m-timestamp-mode-energy" in greeting
            line.write(b"timestamp%")
            assert b"m-lap-us" not in greeting + line.read_until(b"m-ready\r\n")
        ran = mcu("measure", "energy", "--mlperf", "--data", shared / "data/kws01.npz")
        assert ran.code == 2
        assert "energy mode" in ran.err

    def test_its_words_say_that_an_emulator_gives_no_latency(self, mcu, kws_run, shared) -> None:
        data = ("--data", shared / "data/kws01.npz", "--samples", "1")
        ran = mcu("measure", kws_run, "--mlperf", *data, "--window", "0.02")
        assert ran.code == 0, ran.err
        assert "this is not a latency" in ran.out

    def test_data_is_needed_and_has_to_fit(self, mcu, kws_run, tmp_path) -> None:
        assert mcu("measure", kws_run, "--mlperf").code == 2
        assert mcu("measure", kws_run, "--mlperf", "--data", "none.npz").code == 2
        np.savez("wrong.npz", x=np.zeros((2, 9), np.int8), y=np.zeros(2, int))
        ran = mcu("measure", kws_run, "--mlperf", "--data", "wrong.npz")
        assert ran.code == 1
        assert "has 490 numbers, not 9" in ran.err


def test_a_run_without_a_benchmark_is_refused(mcu, kws: Path) -> None:
    assert mcu("render", kws, "--board", "disco_f407vg", "--out", "run").code == 0
    ran = mcu("measure", "run", "--mlperf", "--data", "random")
    assert ran.code == 2
    assert "--mlperf kws01" in ran.err
