"""One command at a time in a folder; a killed one holds nothing, what it has started does."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline.errors import WrongUse
from pipeline.run import Run, held_locks, lock, locked, write_atomically

_HOLD = """
import subprocess, sys, time
from pathlib import Path
from pipeline.run import Run, held_locks
with Run(Path(sys.argv[1])).at_work():
    if sys.argv[2:]:
        child = [sys.executable, "-c", "import time; time.sleep(float(%r))" % sys.argv[2]]
        subprocess.Popen(child, pass_fds=held_locks(), stdout=subprocess.DEVNULL)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_patience", 0.2)


def holder(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _HOLD, str(folder), *more]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def test_the_second_is_told_at_once_and_a_killed_first_holds_nothing(tmp_path: Path) -> None:
    first = holder(tmp_path / "run")
    try:
        began = time.monotonic()
        with (
            pytest.raises(WrongUse, match="another command is at work"),
            Run(tmp_path / "run").at_work(),
        ):
            raise AssertionError
        assert time.monotonic() - began < 3
    finally:
        end(first)
    with Run(tmp_path / "run").at_work():
        assert [p.name for p in (tmp_path / "run").iterdir()] == ["steps.json"], "no lock file"


def test_what_a_killed_command_has_started_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end(holder(tmp_path / "run", "2"))
    with pytest.raises(WrongUse, match="at work"), Run(tmp_path / "run").at_work():
        raise AssertionError
    monkeypatch.setattr(lock, "_patience", 20.0)
    with Run(tmp_path / "run").at_work():
        pass


def test_a_thread_takes_it_again_another_does_not(tmp_path: Path) -> None:
    run, said = Run(tmp_path / "run"), []

    def other() -> None:
        try:
            with Run(tmp_path / "run").at_work():
                said.append("in")
        except WrongUse:
            said.append("told")

    with run.at_work():
        with Run(tmp_path / "run").at_work(), locked(tmp_path / "run"):
            assert len(held_locks()) == 1
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert said == ["told"]
    assert held_locks() == ()
    other()
    assert said == ["told", "in"]


def test_what_was_left_half_written_is_swept(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    with run.at_work():
        write_atomically(run.path / "model.json", "{}")
    (run.path / ".model.tflite.abcd_123").write_text("half")
    (run.path / ".project.x1y2z3w4").mkdir()
    (run.path / ".hidden").write_text("a person's")
    with Run(tmp_path / "run").at_work():
        pass
    assert {p.name for p in run.path.iterdir()} == {"steps.json", "model.json", ".hidden"}


def test_a_run_that_was_killed_in_its_first_step_goes_on(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    with run.at_work():
        write_atomically(run.path / "pruned.keras", "all of it, but no record yet")
    with Run(tmp_path / "run").at_work():
        pass
    (tmp_path / "new").mkdir()
    (tmp_path / "new/.steps.json.abcd1234").write_text("")
    with Run(tmp_path / "new").at_work():
        pass
