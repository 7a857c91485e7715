"""`mcu compare` as a CI job uses it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sample_reports import make_report

from pipeline.report.history import History

GATES = ("--max-slowdown", "2%", "--max-drop", "0.5", "--max-flash", "+1KB", "--max-ram", "+1KB")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    make_report().write(tmp_path / "before" / "report.json")
    make_report().write(tmp_path / "same.json")
    make_report(cost=3_100_000).write(tmp_path / "slow.json")
    make_report(accuracy=0.8, cost=3_100_000).write(tmp_path / "wrong.json")
    both = [make_report().to_json(), make_report("ic").to_json()]
    (tmp_path / "baseline.json").write_text(json.dumps(both))
    return tmp_path


@pytest.mark.parametrize(
    ("after", "code"), [("same.json", 0), ("slow.json", 6), ("wrong.json", 5), ("before", 0)]
)
def test_gates_decide_the_exit_code(mcu, files: Path, after: str, code: int) -> None:
    ran = mcu("compare", "before", after, *GATES)
    assert ran.code == code
    assert ("error:" in ran.err) == bool(code)
    assert "kws disco_f407vg aot qemu" in ran.out
    assert "latency" in ran.out


def test_without_gates_nothing_fails(mcu, files: Path) -> None:
    assert mcu("compare", "before", "wrong.json").code == 0


def test_a_failed_gate_is_in_the_table(mcu, files: Path) -> None:
    ran = mcu("compare", "before", "slow.json", *GATES)
    line = next(line for line in ran.out.splitlines() if "latency" in line)
    assert " ".join(line.split()) == (
        "latency 3,000,000 3,100,000 instructions +3.3 % FAIL: at most 2% more"
    )


def test_json_is_one_document_even_when_a_gate_fails(mcu, files: Path) -> None:
    ran = mcu("compare", "before", "slow.json", *GATES, "--json")
    assert ran.code == 6
    assert ran.json["passed"] is False
    assert ran.json["exit_code"] == 6
    latency = next(f for f in ran.json["pairs"][0]["figures"] if f["name"] == "latency")
    assert latency["relative"] == pytest.approx(1 / 30)


def test_a_baseline_file(mcu, files: Path) -> None:
    assert mcu("compare", "baseline.json", "same.json", *GATES).code == 0
    assert mcu("compare", "baseline.json", "slow.json", *GATES).code == 6


def test_numbers_of_the_history(mcu, files: Path) -> None:
    with History(str(files / "h.db")) as history:
        one = history.record(make_report())
        two = history.record(make_report(cost=9_000_000))
    ran = mcu("compare", one, two, "--db", "h.db", *GATES)
    assert ran.code == 6


def test_differing_conditions_are_said(mcu, files: Path) -> None:
    make_report(engine="tflm").write(files / "tflm.json")
    ran = mcu("compare", "before", "tflm.json")
    assert "differs: engine: aot before, tflm now" in ran.out


def test_markdown_junit_and_html(mcu, files: Path) -> None:
    ran = mcu("compare", "before", "slow.json", *GATES, "--markdown", "--junit", "out/j.xml",
              "--html", "out/p.html")  # fmt: skip
    assert ran.code == 6
    assert ran.out.startswith("<!-- mcu compare -->\n## Microcontroller benchmark: 1 gate failed")
    (suite,) = ElementTree.parse(files / "out/j.xml").getroot()
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("4", "1")
    assert "Before and after" in (files / "out/p.html").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["before", "nothing"], "can't be read as a report"),
        (["before", "same.json", "--max-slowdown", "fast"], "--max-slowdown"),
        (["before", "same.json", "--json", "--markdown"], "only one"),
        (["before", "77", "--db", "h.db"], "no result 77"),
    ],
)
def test_wrong_use(mcu, files: Path, words: list[str], says: str) -> None:
    ran = mcu("compare", *words)
    assert ran.code == 2
    assert says in ran.err
