"""Temporary folders: private, swept when whoever made them was killed, never while they live."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import scratch
from pipeline.run import replaced_folder, write_atomically

MAKER = """
import sys, time
from pathlib import Path
from pipeline import scratch
made = {
    "folder": lambda: scratch.Folder("test").path,
    "beside": lambda: scratch.folder_beside(Path(sys.argv[2])),
    "file": lambda: scratch.file_beside(Path(sys.argv[2]))[1],
}[sys.argv[1]]()
print(made, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "a tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(scratch.tempfile, "tempdir", None)
    return place


def maker(kind: str, beside: Path | None = None) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", MAKER, kind, str(beside)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_folder_is_private_and_goes_with_its_block() -> None:
    with scratch.folder("test") as path:
        assert path.stat().st_mode & 0o777 == 0o700
        (path / "file").write_text("x")
    assert not path.exists()


def test_what_a_killed_process_left_goes_with_the_next_use() -> None:
    process, left = maker("folder")
    (left / "file").write_text("x")
    with scratch.folder("test"):
        assert left.is_dir()  # its process lives
    kill(process)
    with scratch.folder("other"):
        assert not left.exists()


@pytest.mark.parametrize("kind", ["beside", "file"])
def test_what_was_to_take_a_place_is_swept_there(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    process, left = maker(kind, target)
    other = tmp_path / f".other.json.{left.name.rpartition('.')[2]}"
    other.write_text("of another name")
    write_atomically(target, "{}")
    assert left.exists()
    kill(process)
    write_atomically(target, "{}")
    assert not left.exists()
    assert other.exists()
    with replaced_folder(tmp_path / "folder") as folder:
        (folder / "x").write_text("x")
    assert (tmp_path / "folder" / "x").is_file()


def test_a_number_given_again_is_not_taken_for_the_owner(temporary: Path) -> None:
    left = temporary / f"mcu-test-{os.getpid()}-1-00000000"
    left.mkdir()
    with scratch.folder("test"):
        assert not left.exists()


def test_a_locked_folder_of_an_unknown_process_stays(temporary: Path) -> None:
    """As one of another container's: its process id means nothing here."""
    left = temporary / "mcu-test-999999999-1-00000000"
    left.mkdir()
    lock = scratch._locked(left)
    assert lock is not None
    with scratch.folder("test"):
        assert left.exists()
    os.close(lock)
    with scratch.folder("test"):
        assert not left.exists()


def test_links_and_other_names_stay(temporary: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    link = temporary / "mcu-test-999999999-1-00000000"
    link.symlink_to(precious)
    other = temporary / "mcu-test-999999999-1-mine"
    other.mkdir()
    with scratch.folder("test"):
        assert precious.is_dir()
        assert link.is_symlink()
        assert other.is_dir()


def test_a_short_folder_has_room_for_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch.tempfile, "tempdir", "/tmp/" + "x" * 150)
    with scratch.folder("renode", short=True) as path:
        assert len(str(path / "uart1000")) < 108
        assert " " not in str(path)
