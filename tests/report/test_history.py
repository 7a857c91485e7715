"""The history, on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import builtins
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sample_reports import make_report

from pipeline.errors import StepFailed, ToolMissing, WrongUse
from pipeline.report.history import History, default_url
from pipeline.report.sources import load_reports

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a temporary cluster on loopback."""
    if not SERVERS:
        pytest.skip("no PostgreSQL server installed (Debian: postgresql)")
    tools = SERVERS[-1].parent
    # A server refuses to run as root, so it runs as the user its package made.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="mcu-pg-"))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*command: object) -> None:
        words = [str(word) for word in command]
        subprocess.run(words, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

    run(tools / "initdb", "-D", folder / "data", "-U", "mcu", "-A", "trust", "--no-sync")
    options = f"-h 127.0.0.1 -p {port} -k {folder} -F"
    try:
        run(tools / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w",
            "-o", options, "start")  # fmt: skip
        yield f"postgresql://mcu:secret@127.0.0.1:{port}/postgres"
    finally:
        run(tools / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "deep" / "history.db")
    base = request.getfixturevalue("postgresql")
    import psycopg

    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS results")
    return str(base)


def test_what_goes_in_comes_out(url: str) -> None:
    report = make_report(environment={"git": "abc123"})
    with History(url) as history:
        number = history.record(report, at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    with History(url) as history:
        (entry,) = history.entries()
        assert history.entry(number) == entry
    assert entry.id == number
    assert entry.at == "2026-01-02T03:04:05+00:00"
    assert entry.git == "abc123"
    assert entry.report == report


def test_filters_and_order(url: str) -> None:
    with History(url) as history:
        for cost in range(3):
            history.record(make_report("kws", cost=cost))
            history.record(make_report("ic", "mps2_an386", cost=cost))
        costs = [e.report.latency.median for e in history.entries(model="kws")]
        assert costs == [0, 1, 2]
        assert len(history.entries(board="mps2_an386")) == 3
        assert history.entries(model="kws", board="mps2_an386") == []
        newest = history.entries(limit=2)
        assert [(e.report.model.name, e.report.latency.median) for e in newest] == [
            ("kws", 2), ("ic", 2),
        ]  # fmt: skip


def test_the_same_result_of_the_same_commit_is_there_once(url: str) -> None:
    with History(url) as history:
        first = history.record(make_report(environment={"git": "one"}))
        assert history.record(make_report(environment={"git": "one"})) == first
        assert history.record(make_report(environment={"git": "two"})) != first
        assert len(history.entries()) == 2


def test_several_at_once(url: str) -> None:
    failed: list[BaseException] = []

    def work(base: int) -> None:
        try:
            with History(url) as history:
                for cost in range(10):
                    history.record(make_report(cost=cost + base))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(base,)) for base in (0, 0, 5, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with History(url) as history:
        assert sorted(e.report.latency.median for e in history.entries()) == list(range(15))


def test_a_number_that_is_not_there(url: str) -> None:
    with History(url) as history, pytest.raises(WrongUse, match="no result 77"):
        history.entry(77)


def test_a_person_can_ask_in_sql(tmp_path: Path) -> None:
    with History(str(tmp_path / "h.db")) as history:
        history.record(make_report(accuracy=None))
    rows = sqlite3.connect(tmp_path / "h.db").execute(
        "SELECT model, board, accuracy, cost, unit, flash_bytes FROM results"
    )
    assert list(rows) == [("kws", "disco_f407vg", None, 3_000_000, "instructions", 60_000)]


def test_the_file_is_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MCU_HISTORY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_url() == "/data/mcu-pipeline/history.db"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/x")
    assert default_url() == "/home/x/.local/share/mcu-pipeline/history.db"
    monkeypatch.setenv("MCU_HISTORY", "sqlite:////x.db")
    assert default_url() == "sqlite:////x.db"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "h.db").write_text("this is no database, and long enough to be seen as such" * 9)
    with pytest.raises(StepFailed, match="not a database") as caught:
        History(str(tmp_path / "h.db"))
    assert "--db" in caught.value.hint


def test_another_programs_table(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "h.db").execute("CREATE TABLE results (x)").connection.commit()
    with History(str(tmp_path / "h.db")) as history, pytest.raises(StepFailed, match="column"):
        history.record(make_report())


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StepFailed, match="folder can't be made"):
        History(str(tmp_path / "file" / "h.db"))


def test_a_server_that_does_not_answer() -> None:
    with pytest.raises(StepFailed) as caught:
        History("postgresql://mcu:secret@127.0.0.1:9/none?connect_timeout=2")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["://", "nosuch://u:secret@h/x", "postgresql://u:secret@h:port/x"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(WrongUse, match="no database URL") as caught:
        History(url)
    assert "secret" not in str(caught.value)


def test_the_driver_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "psycopg":
            raise ImportError("No module named 'psycopg'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ToolMissing, match="driver") as caught:
        History("postgresql://u@127.0.0.1/x")
    assert "mcu-pipeline[postgres]" in caught.value.hint


# Where results come from ------------------------------------------------------------------


def test_sources(tmp_path: Path) -> None:
    import json

    one, two = make_report("one"), make_report("two")
    run, bench = tmp_path / "run", tmp_path / "bench"
    one.write(run / "report.json")
    bench.mkdir()
    (bench / "reports.json").write_text(json.dumps([one.to_json(), two.to_json()]))
    with History(str(tmp_path / "h.db")) as history:
        number = history.record(two)
    assert load_reports(str(run)) == [one]
    assert load_reports(str(run / "report.json")) == [one]
    assert load_reports(str(bench)) == [one, two]
    assert load_reports(str(bench / "reports.json")) == [one, two]
    assert load_reports(str(number), str(tmp_path / "h.db")) == [two]
    assert load_reports(f"#{number}", str(tmp_path / "h.db")) == [two]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read as a report"),
        ("nonsense", "can't be read as a report"),
        ("[]", "is empty"),
        ("[{}]", r"no valid report"),
        ("{}", "no valid report"),
    ],
)
def test_what_is_no_source(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(WrongUse, match=message):
        load_reports(str(path))


def test_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="holds neither"):
        load_reports(str(tmp_path))
