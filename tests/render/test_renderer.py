"""The rendered project: complete, deterministic, and as the snapshots have it."""

import os
from pathlib import Path

import pytest
from tiny_program import tiny_program

from pipeline.board import boards, load_board
from pipeline.errors import WrongUse
from pipeline.render import localise, offline, render

SNAPSHOTS = Path(__file__).parent / "snapshots"
SNAPPED = ("platformio.ini", "README.md", ".gitignore", "scripts/link.py", "src/main.c",
           "src/port/link.ld")  # fmt: skip


def rendered(board_id: str, out: Path, **more):
    return render(
        load_board(board_id), name="tiny", out=out, program=tiny_program(), offline=False, **more
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("board_id", boards())
def test_snapshot(board_id: str, tmp_path: Path) -> None:
    """MCU_UPDATE_SNAPSHOTS=1 writes them anew: read the difference before committing it."""
    project = rendered(board_id, tmp_path / "project", sha256="0" * 64)
    for name in SNAPPED:
        if not (project.path / name).exists():
            continue
        text = (project.path / name).read_text()
        expected = SNAPSHOTS / board_id / name.replace("/", "__")
        if os.environ.get("MCU_UPDATE_SNAPSHOTS"):
            expected.parent.mkdir(parents=True, exist_ok=True)
            expected.write_text(text)
        assert text == expected.read_text(), name


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    one = rendered("disco_f407vg", tmp_path / "one")
    two = rendered("disco_f407vg", tmp_path / "two")
    assert contents(one.path) == contents(two.path)


def test_the_project_brings_all_its_sources(tmp_path: Path) -> None:
    files = contents(rendered("disco_f407vg", tmp_path / "project").path)
    assert {"src/monitor/monitor.h", "src/engine/engine.h", "src/port/port.h",
            "src/port/startup.c", "src/network/network.c"} <= set(files)  # fmt: skip
    for path, content in files.items():
        assert str(tmp_path).encode() not in content, path


def test_rendering_again_keeps_the_build_and_drops_old_sources(tmp_path: Path) -> None:
    project = rendered("disco_f407vg", tmp_path / "project")
    (project.path / ".pio").mkdir()
    (project.path / ".pio" / "object").write_text("x")
    (project.path / "src" / "old.c").write_text("x")
    again = rendered("disco_f407vg", tmp_path / "project")
    assert (again.path / ".pio" / "object").read_text() == "x"
    assert not (again.path / "src" / "old.c").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_a_folder_that_is_no_project_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(WrongUse, match="no PlatformIO project"):
        rendered("disco_f407vg", tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_without_the_registry_the_local_platform_takes_over(tmp_path: Path) -> None:
    project = rendered("disco_f407vg", tmp_path / "project")
    local = project.path / "platformio.local.ini"
    assert not local.exists()
    localise(project, offline=True)
    assert "[env:disco_f407vg]\nplatform = symlink://" in local.read_text()
    localise(project, offline=False)
    assert not local.exists()


def test_the_environment_decides_on_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_OFFLINE", "1")
    assert offline()
    monkeypatch.setenv("MCU_OFFLINE", "0")
    assert not offline()


def test_further_macros_reach_the_compiler(tmp_path: Path) -> None:
    project = rendered(
        "disco_f407vg",
        tmp_path / "p",
        defines={"MONITOR_MODEL_ID": "kws01", "MONITOR_DB_BYTES": 490},
    )
    ini = (project.path / "platformio.ini").read_text()
    assert "'-DMONITOR_MODEL_ID=\"kws01\"'" in ini
    assert "-DMONITOR_DB_BYTES=490u" in ini
