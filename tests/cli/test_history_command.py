"""`mcu history`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sample_reports import make_report

from pipeline.report.history import History


@pytest.fixture
def db(tmp_path: Path) -> str:
    with History(str(tmp_path / "h.db")) as history:
        for cost in (3_000_000, 2_900_000):
            history.record(make_report(cost=cost, environment={"git": f"c{cost}"}))
        history.record(make_report("ic", "mps2_an386", accuracy=None))
    return str(tmp_path / "h.db")


def test_it_lists_the_newest_last(mcu, db: str) -> None:
    lines = mcu("history", "--db", db).out.splitlines()
    assert len(lines) == 4
    assert lines[1].split()[0] == "1"
    assert "c2900000" in lines[2]
    assert "ic mps2_an386 aot qemu" in lines[3]


def test_filters(mcu, db: str) -> None:
    rows = mcu("history", "--db", db, "--model", "kws", "--json").json
    assert [row["report"]["latency"]["median"] for row in rows] == [3_000_000, 2_900_000]
    assert [row["id"] for row in mcu("history", "--db", db, "-b", "mps2_an386", "--json").json] == [
        3
    ]
    assert [row["id"] for row in mcu("history", "--db", db, "--last", "1", "--json").json] == [3]


def test_nothing_found_is_no_error(mcu, db: str) -> None:
    ran = mcu("history", "--db", db, "--model", "none")
    assert ran.code == 0
    assert ran.out == ""
    assert mcu("history", "--db", db, "--model", "none", "--json").json == []


def test_the_environment_names_the_history(mcu, db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_HISTORY", db)
    assert len(mcu("history", "--json").json) == 3


def test_recording_results_of_others(mcu, tmp_path: Path) -> None:
    reports = [make_report("a").to_json(), make_report("b").to_json()]
    (tmp_path / "reports.json").write_text(json.dumps(reports))
    ran = mcu("history", "--record", "reports.json", "--db", "new.db", "--json")
    assert [row["report"]["model"]["name"] for row in ran.json] == ["a", "b"]
    again = mcu("history", "--record", "reports.json", "--db", "new.db", "--json")
    assert len(again.json) == 2


def test_a_page_of_it(mcu, db: str, tmp_path: Path) -> None:
    assert mcu("history", "--db", db, "--html", "h.html").code == 0
    assert "Instructions over time" in (tmp_path / "h.html").read_text()


@pytest.mark.slow
@pytest.mark.qemu
def test_deploy_records_and_report_draws(mcu, tmp_path: Path) -> None:
    model = Path(__file__).parents[2] / "examples/ci-example/models/digits.tflite"
    ran = mcu("deploy", model, "-b", "mps2_an386", "--on", "qemu", "-d", "random", "-n", "2",
              "--history", "--db", "new.db", "--out", "run", "--json")  # fmt: skip
    assert ran.code == 0, ran.err
    (row,) = mcu("history", "--db", "new.db", "--json").json
    assert row["report"] == ran.json
    assert mcu("report", "run", "--html", "run.html").code == 0
    assert "digits on mps2_an386" in (tmp_path / "run.html").read_text()
