"""The operating system's errors are ordinary ones: they name the folder and the option."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import McuError, StepFailed, WrongUse
from pipeline.oserrors import make_folder, own_error
from pipeline.run import Run, write_atomically

MODELS = Path(__file__).resolve().parents[1] / "runtime"
MCU = [sys.executable, "-m", "pipeline.cli.app"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sys.path.insert(0, str(MODELS))
    from tflite_builder import Build, T

    b = Build()
    x = b.input(T((1, 4), scale=0.5, name="input"))
    w = b.tensor(T((3, 4), data=np.ones((3, 4)), scale=0.1))
    b.outputs = b.op("FULLY_CONNECTED", [x, w, -1], [T((1, 3), scale=0.5, name="dense")],
                     "FullyConnectedOptions", 2)  # fmt: skip
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(b.bytes())
    return path


def run(*words: object, cwd: Path, as_user: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [*MCU, *map(str, words)]
    if as_user is not None:
        drop = ["setpriv", f"--reuid={as_user}", f"--regid={as_user}", "--clear-groups"]
        command = [*drop, *command]
    env = {**os.environ, "MCU_HISTORY": "sqlite://", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, env=env)
    assert "internal error" not in done.stderr and "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this user can't mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk(tiny_disk: Path, model: Path) -> None:
    out = tiny_disk / "run"
    (tiny_disk / "filler").write_bytes(b"x" * 58_000)
    done = run("render", model, "-b", "mps2_an386", "--out", out, cwd=model.parent)
    assert done.returncode == 1
    assert "no space left" in done.stderr and str(out) in done.stderr and "--out" in done.stderr
    left = [p for p in out.rglob("*") if p.is_file()] if out.exists() else []
    assert all(p.stat().st_size and not p.name.startswith(".") for p in left), (
        "nothing half-written"
    )
    (tiny_disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=16m", str(tiny_disk)], check=True)
    done = run("render", model, "-b", "mps2_an386", "--out", out, cwd=model.parent)
    assert done.returncode == 0, done.stderr


def test_a_full_disk_leaves_the_old_file(tiny_disk: Path) -> None:
    write_atomically(tiny_disk / "report.json", "old")
    with pytest.raises(OSError) as caught:
        write_atomically(tiny_disk / "report.json", "x" * 100_000)
    assert caught.value.filename == str(tiny_disk / "report.json")
    assert [p.name for p in tiny_disk.iterdir()] == ["report.json"]
    assert (tiny_disk / "report.json").read_text() == "old"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["render", "MODEL", "-b", "mps2_an386", "--out"], "--out"),
        (["deploy", "MODEL", "-b", "mps2_an386", "--data", "random", "--out"], "--out"),
        (["convert", "MODEL", "--out"], "--out"),
        (["bench", "MODEL", "-b", "mps2_an386", "--out"], "--out"),
        (["search", "MODEL", "-b", "mps2_an386", "--data", "random", "--out"], "--out"),
        (["compare", "REPORT", "REPORT", "--html"], "--html"),
        (["compare", "REPORT", "REPORT", "--junit"], "--junit"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else value.strip("-"),
)
@pytest.mark.parametrize("bad", ["below a file", "too long", "no right"])
def test_a_place_that_can_not_be_written(
    tmp_path: Path, model: Path, command: list[str], option: str, bad: str
) -> None:
    sys.path.insert(0, str(MODELS.parent))
    from sample_reports import make_report

    make_report().write(tmp_path / "report.json")
    (tmp_path / "file").write_text("")
    place = {
        "below a file": tmp_path / "file" / "out",
        "too long": tmp_path / ("x" * 300),
        "no right": tmp_path / "closed" / "out",
    }[bad]
    user = None
    if bad == "no right":
        place.parent.mkdir(mode=0o555)
        if os.getuid() == 0:
            if shutil.which("setpriv") is None:
                pytest.skip("root may write everywhere, and setpriv is not here")
            user = 65534
            for folder in (tmp_path, *tmp_path.parents[:3], model.parent):
                folder.chmod(0o755)
    words = [{"MODEL": model, "REPORT": tmp_path / "report.json"}.get(w, w) for w in command]
    done = run(*words, place, cwd=Path("/"), as_user=user)
    if user is not None and "ModuleNotFoundError" in done.stderr:
        pytest.skip("another user can't read this Python")
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert str(place)[:80] in done.stderr and option in done.stderr


def test_too_many_open_files(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        with pytest.raises(OSError) as caught:
            while True:
                opened.append(os.open("/", os.O_RDONLY))
    finally:
        for handle in opened:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    own = own_error(caught.value, {"--out": tmp_path})
    assert "too many files" in own.what and "--jobs" in own.hint


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.ENOSPC, StepFailed, "no space left"),
        (errno.EDQUOT, StepFailed, "no space left"),
        (errno.EROFS, WrongUse, "read-only"),
        (errno.EACCES, WrongUse, "no right"),
        (errno.ENOTDIR, WrongUse, "a part of this path is a file"),
        (errno.ENAMETOOLONG, WrongUse, "too long"),
        (errno.EIO, StepFailed, "Input/output error"),
        (None, StepFailed, "the operating system says"),
    ],
)
def test_each_error_names_the_nearest_option(
    number: int | None, kind: type[McuError], says: str
) -> None:
    error = (
        OSError(number, os.strerror(number), "/data/runs/a/model.json") if number else OSError("x")
    )
    own = own_error(error, {"--data": "/data", "--out": Path("/data/runs"), "--html": "/elsewhere"})
    assert isinstance(own, kind) and says in own.what
    if number:
        assert "/data/runs/a/model.json (--out)" in own.where


def test_a_write_that_does_not_know_its_file_names_where_results_go() -> None:
    own = own_error(OSError(errno.ENOSPC, "full"), {"MODEL": "m.tflite", "--out": "runs"})
    assert "runs" in own.where and "--out" in own.where


def test_a_folder_on_a_read_only_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", refuse)
    with pytest.raises(WrongUse, match="the folder can't be made: this user has no right"):
        make_folder(tmp_path / "run")
    with pytest.raises(WrongUse, match=r"\(--out\)"), Run(tmp_path / "run").at_work():
        raise AssertionError
