"""The process that foreign files are read in: what it can't do, and what becomes of its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pipeline.errors import ModelError, StepFailed
from pipeline.load import reader
from pipeline.load.handover import take_error

ATTEMPTS = """
import os, socket, subprocess, sys
from pathlib import Path
from pipeline.load.walls import raise_walls

own, other = Path(sys.argv[1]), Path(sys.argv[2])
standing = raise_walls(own, memory=1 << 30, seconds=5)
attempts = {
    "files": [
        lambda: other.joinpath("new").write_text("x"),
        lambda: other.joinpath("old").read_text(),
        lambda: other.joinpath("old").unlink(),
        lambda: os.truncate(other / "old", 0),
        lambda: os.rename(other / "old", own / "taken"),
        lambda: os.link(other / "old", own / "linked"),
        lambda: os.listdir(other),
        lambda: Path("/etc/passwd").read_text(),
        lambda: os.symlink(other / "old", own / "link") or (own / "link").read_text(),
    ],
    "network": [
        lambda: socket.socket(),
        lambda: socket.socket(socket.AF_UNIX),
        lambda: socket.socketpair(),
        lambda: subprocess.run([sys.executable, "-c", "0"]),
        lambda: os.execv("/bin/true", ["true"]),
        lambda: (_ for _ in ()).throw(OSError) if os.system("touch " + str(own / "ran")) else None,
    ],
    "memory": [lambda: bytearray(2 << 30)],
}
for wall, tries in attempts.items():
    for number, attempt in enumerate(tries if wall in standing else []):
        try:
            attempt()
        except (OSError, MemoryError):
            continue
        sys.exit(f"{wall} {number} went through")
(own / "mine").write_text("x")
(own / "folder").mkdir()
import json, decimal
print(*standing)
"""


def test_the_walls_hold(tmp_path):
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    (other / "old").write_text("keep")
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, own, other], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {"memory", "time"} <= set(done.stdout.split())
    assert (other / "old").read_text() == "keep"
    assert sorted(p.name for p in other.iterdir()) == ["old"]
    assert not (own / "ran").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")
def test_all_walls_stand_on_this_machine(tmp_path):
    code = "import sys; from pathlib import Path; from pipeline.load.walls import *;"
    code += "print(*raise_walls(Path(sys.argv[1]), memory=1<<30, seconds=5))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True)
    if set(done.stdout.split()) < {"memory", "time", "files", "network"}:
        pytest.skip(f"this kernel has {done.stdout.strip()} only")


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Run code in the nursery's place, to see what is made of its answers."""

    def run(code):
        monkeypatch.setattr(
            reader,
            "_start",
            lambda: subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ),
        )
        reader.end_nursery()
        try:
            reader._run({"do": "read", "path": "", "kind": ""}, tmp_path, "net.keras")
        finally:
            reader.end_nursery()

    return run


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-int(signal.SIGSEGV), r"crash \(exit code -11\)"),
        (-int(signal.SIGABRT), "crash"),
        (-int(signal.SIGXCPU), "processor time"),
        (-int(signal.SIGKILL), "processor time"),
        (3, "crash"),
    ],
)
def test_every_end_of_the_child_is_one_error(job, code, message):
    with pytest.raises(ModelError, match=message):
        job(f"input(); print('{{\"code\": {code}}}')")


def test_a_nursery_that_dies_is_an_error(job):
    with pytest.raises(StepFailed, match="has ended"):
        job("input()")
    with pytest.raises(StepFailed, match=r"can not be started|has ended"):
        job("pass")


def test_an_error_from_the_child_is_not_believed(tmp_path):
    (tmp_path / "error.json").write_text('{"kind": "SystemExit", "what": "\\u001b[2J", "hint": 3}')
    error = take_error(tmp_path)
    assert isinstance(error, ModelError)
    assert str(error).replace("\n", "").isprintable()
    (tmp_path / "error.json").write_text("[]")
    assert take_error(tmp_path) is None


def test_the_nursery_ends_with_its_parent(tmp_path):
    code = (
        "import os, sys; from pipeline.load import reader; n = reader._start();"
        "print(n.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    child = int(done.stdout)
    for _ in range(200):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{child}/stat") as file:  # noqa: PTH123  (gone between two looks)
            if file.read().rsplit(") ", 1)[1][0] == "Z":
                return
        signal.sigtimedwait([], 0.05)
    pytest.fail("the nursery outlived its parent")
