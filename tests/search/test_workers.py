"""Several workers on one study, in a real PostgreSQL; one of them is killed in mid-trial."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from postgres import postgres
from stub_search import SPACE

from pipeline.options import Options
from pipeline.search.settings import Settings
from pipeline.search.study import front_of, open_study

STUB = Path(__file__).with_name("stub_search.py")
MCU = Path(sys.executable).with_name("mcu")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def settings(server: str, tmp_path: Path) -> Settings:
    (tmp_path / "net.keras").write_bytes(b"a network")
    return Settings(
        model=str(tmp_path / "net.keras"),
        board="disco_f407vg",
        out=str(tmp_path / "search"),
        options=Options(data="random"),
        storage=server,
        study=tmp_path.name,
        trials=8,
        heartbeat=1,
    )


def start(settings: Settings, folder: Path, seconds: float) -> subprocess.Popen[bytes]:
    file = folder / "settings.json"
    file.write_text(json.dumps(settings.to_json()))
    return subprocess.Popen([sys.executable, STUB, file, str(seconds)])


def test_a_worker_killed_in_mid_trial_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    study = open_study(settings, SPACE)
    slow = start(settings, tmp_path, 60.0)
    deadline = time.monotonic() + 60
    while not (running := _running(settings)):
        assert time.monotonic() < deadline and slow.poll() is None
        time.sleep(0.1)
    (lost,) = running
    quick = start(settings, tmp_path, 0.1)
    try:
        slow.kill()
        slow.wait()
        assert quick.wait(100) == 0
    finally:
        quick.kill()
        quick.wait()
    tried = front_of(study, settings).tried
    states = {t.number: t.state for t in tried}
    assert states[lost.number] == "lost"
    again = [t for t in tried if (t.prune, t.optimize) == (lost.prune, lost.optimize)]
    assert any(t.state == "measured" and t.worker != lost.worker for t in again)
    assert sum(t.state in ("measured", "ended") and t.twin is None for t in tried) == 8
    assert "running" not in states.values() and "waiting" not in states.values()


def _running(settings: Settings) -> list:
    tried = front_of(open_study(settings), settings).tried
    return [t for t in tried if t.state == "running" and t.prune]


@pytest.mark.parametrize("database", ["server", "file"])
def test_two_workers_share_the_trials(database: str, settings: Settings, tmp_path: Path) -> None:
    if database == "file":
        settings = replace(settings, storage="")
    study = open_study(settings, SPACE)
    workers = [start(settings, tmp_path, 0.5) for _ in range(2)]
    assert [worker.wait(100) for worker in workers] == [0, 0]
    measured = [t for t in front_of(study, settings).tried if t.state in ("measured", "ended")]
    assert len({t.worker for t in measured}) == 2
    alone = [(t.prune, t.optimize) for t in measured if t.twin is None]
    assert 8 <= len(alone) <= 9, "at most one too many, when both begin the last one at once"


def test_studies_of_one_server_are_told_apart(settings: Settings) -> None:
    open_study(settings, SPACE)
    other = replace(settings, study=f"{settings.study}-other")
    assert front_of(open_study(other, SPACE), other).points == ()


@pytest.mark.qemu
def test_the_command_with_two_processes_and_a_database(
    server: str, shared: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [MCU, "search", shared / "models/ad01_int8.tflite", "--board", "mps2_an385",
         "--data", "random", "--samples", "2", "--workers", "2", "--out", "s", "--json",
         "--storage", server],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {t["optimize"] for t in found["trials"]} == {"size", "balanced", "speed"}
    assert {t["state"] for t in found["trials"]} == {"measured"}
    assert found["front"] and (tmp_path / "s/front.svg").is_file()
    assert not (tmp_path / "s/study.db").exists()
