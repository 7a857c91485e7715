"""What a board still needs here, and the command that brings it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import tools
from pipeline.board import boards, load_board
from pipeline.flash.needs import needs


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Debian with nothing installed, and no registry."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "apt-get").write_text("#!/bin/sh\n")
    (folder / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("RENODE", raising=False)
    monkeypatch.setenv("MCU_OFFLINE", "1")
    monkeypatch.setattr(tools, "is_root", lambda: False)
    return folder


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("board", boards())
def test_every_board_names_what_is_missing(board: str) -> None:
    checks = {check.name: check for check in needs(load_board(board))}
    assert not any(check.ok for check in checks.values())
    assert checks["build"].hint.startswith(("sudo apt-get install", "install xtensa"))
    for place in load_board(board).emulators:
        assert "install" in checks[f"on {place}"].hint
    assert ("on probe" in checks) == bool(load_board(board).platformio.upload)


def test_with_the_registry_platformio_brings_compiler_and_uploader(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bare.is_dir()
    monkeypatch.setenv("MCU_OFFLINE", "0")
    checks = {check.name: check for check in needs(load_board("disco_f407vg"))}
    assert checks["build"].ok
    assert checks["on probe"].ok
    assert "PlatformIO fetches it" in checks["build"].found
    assert checks["on qemu"].hint == "sudo apt-get install qemu-system-arm"
