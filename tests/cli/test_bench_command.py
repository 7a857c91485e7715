"""`mcu bench`, with deployments that take no time, and one that takes its time."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.bench import pool

FAKE = [sys.executable, str(Path(__file__).parents[1] / "bench" / "fake_worker.py")]
BASELINE = (
    "model,core,kernels,instructions_per_inference,code_flash_bytes,model_bytes\n"
    "good,m4,cmsis_nn,7500000,60000,50000\n"
    "good,m7,cmsis_nn,1,1,1\n"
    "unknown,m4,cmsis_nn,1,1,1\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pool, "_COMMAND", FAKE)
    monkeypatch.setenv("MCU_HISTORY", str(tmp_path / "history.db"))
    (tmp_path / "good.tflite").write_text("")
    (tmp_path / "bad.tflite").write_text("too_big")
    (tmp_path / "baseline.csv").write_text(BASELINE)
    return tmp_path


def test_results_and_failures_side_by_side(mcu, folder: Path) -> None:
    ran = mcu("bench", "bad.tflite", "good.tflite", "-b", "disco_f407vg", "--on", "qemu",
              "--baseline", "baseline.csv", "--junit", "j.xml", "--html", "p.html")  # fmt: skip
    assert ran.code == 3, "the one failure's own code"
    lines = ran.out.splitlines()
    assert lines[1].split() == ["bad-disco_f407vg-aot-qemu", "failed"]
    assert "3,000,000" in lines[2]
    assert lines[3].split() == [
        "baseline",
        "cmsis_nn",
        "7,500,000",
        "110,000",
        "2.50x",
        "the",
        "cost",
    ]
    assert "error: bad-disco_f407vg-aot-qemu: disco_f407vg: flash is 9 KB too small" in ran.err
    assert "hint: prune more" in ran.err
    assert "good-disco_f407vg-aot-qemu: done: 3,000,000 instructions" in ran.err
    (suite,) = ElementTree.parse(folder / "j.xml").getroot()
    assert (suite.attrib["tests"], suite.attrib["errors"]) == ("2", "1")
    page = (folder / "p.html").read_text()
    assert "flash is 9 KB too small" in page
    assert "baseline: cmsis_nn, m4" in page


def test_json(mcu, folder: Path) -> None:
    ran = mcu("bench", "bad.tflite", "good.tflite", "-b", "disco_f407vg", "-b", "mps2_an386",
              "--on", "qemu", "--baseline", "baseline.csv", "--json", "--out", "here")  # fmt: skip
    found = ran.json
    assert found["folder"] == "here"
    assert [(cell["model"], cell["board"]) for cell in found["cells"]] == [
        ("bad.tflite", "disco_f407vg"), ("bad.tflite", "mps2_an386"),
        ("good.tflite", "disco_f407vg"), ("good.tflite", "mps2_an386"),
    ]  # fmt: skip
    assert found["cells"][0]["error"]["exit_code"] == 3
    assert found["cells"][2]["report"]["latency"]["median"] == 3_000_000
    assert found["cells"][2]["baseline"][0]["instructions"] == 7_500_000
    assert found["cells"][2]["history"] == 1


def test_results_go_into_the_history(mcu, folder: Path) -> None:
    mcu("bench", "good.tflite", "-b", "disco_f407vg", "--on", "qemu")
    assert len(mcu("history", "--json").json) == 1
    assert mcu("compare", "1", "bench", "--max-slowdown", "0%").code == 0


def test_its_reports_are_a_baseline(mcu, folder: Path) -> None:
    mcu("bench", "good.tflite", "-b", "disco_f407vg", "--on", "qemu")
    assert len(json.loads((folder / "bench/reports.json").read_text())) == 1
    assert mcu("compare", "bench/reports.json", "bench").code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none.tflite", "-b", "disco_f407vg"], "no such file"),
        (["good.tflite", "-b", "nowhere"], "no board"),
        (["good.tflite", "-b", "disco_f407vg", "--data", "x=y"], "no model 'x'"),
        (["good.tflite", "-b", "disco_f407vg", "--baseline", "none.csv"], "CSV"),
    ],
)
def test_wrong_use_is_said_before_any_work(mcu, folder: Path, words: list[str], says: str) -> None:
    ran = mcu("bench", *words)
    assert ran.code == 2
    assert says in ran.err
    assert not (folder / "bench").exists()


@pytest.mark.slow
@pytest.mark.qemu
def test_real_models_on_an_emulated_board(
    mcu, shared: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MCU_HISTORY", str(tmp_path / "history.db"))
    models = sorted((shared / "models").glob("*.tflite"))
    ran = mcu("bench", *models, "-b", "disco_f407vg", "--on", "qemu", "--samples", "5",
              "--data", f"kws_ref_int8={shared}/data/kws01.npz", "--json")  # fmt: skip
    assert ran.code == 0, ran.err
    for cell in ran.json["cells"]:
        assert cell["report"]["accuracy"]["identical_outputs"] == 5
        assert cell["report"]["on"] == "qemu"
