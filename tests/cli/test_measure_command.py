"""`mcu measure`: the task that is stated, and energy from a recorded trace."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Two amperes at five volts for a second."""
    path = tmp_path / "trace.csv"
    path.write_text("".join(f"{i / 10},2.0,5.0\n" for i in range(11)))
    return path


@pytest.mark.slow
@pytest.mark.qemu
class TestOnABoard:
    def test_energy_of_a_trace_is_in_the_report(self, mcu, kws_run, shared, trace) -> None:
        data = ("--data", shared / "data/kws01.npz", "--samples", "4")
        ran = mcu("measure", kws_run, *data, "--energy", f"trace:{trace}")
        assert ran.code == 0, ran.err
        assert "energy    2,500,000.00 uJ an inference (trace.csv, 4 in 1.000 s)" in ran.out
        assert "top-5" in ran.out
        report = mcu("report", kws_run, "--json").json
        assert report["energy"]["joules"] == pytest.approx(2.5)
        assert report["accuracy"]["task"] == "classification"
        assert len(report["data"]["sha256"]) == 64
        assert report["latency"]["clock_hz"] is None
        assert "QEMU" in report["environment"]["emulator"]

    def test_a_meter_needs_a_board(self, mcu, kws_run, shared) -> None:
        data = ("--data", shared / "data/kws01.npz", "--samples", "1")
        ran = mcu("measure", kws_run, *data, "--energy", "ppk2", "--volts", "3.3")
        assert ran.code == 2
        assert "an emulator takes no current" in ran.err

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("--energy", "multimeter"), 2, "is no meter"),
            (("--volts", "3.3"), 2, "--energy is not given"),
            (("--energy", "trace:t.csv", "--energy-window", "soon"), 2, "is no window"),
            (("--energy", "trace:absent.csv"), 1, "absent.csv"),
            (("--task", "guessing"), 2, "classification, anomaly"),
            (("--task", "regression"), 1, "needs real targets"),
        ],
    )
    def test_wrong_use_is_told(self, mcu, kws_run, shared, words, code, says) -> None:
        data = ("--data", shared / "data/kws01.npz", "--samples", "1")
        ran = mcu("measure", kws_run, *data, *words)
        assert ran.code == code
        assert says in ran.err


def test_an_unknown_task_is_told_before_any_work(mcu, shared: Path) -> None:
    model = shared / "models/kws_ref_int8.tflite"
    ran = mcu("deploy", model, "-b", "disco_f407vg", "-d", "random", "--task", "guessing")
    assert ran.code == 2
    assert not Path("runs").exists()
