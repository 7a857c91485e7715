"""PlatformIO's core directory."""

import json
from pathlib import Path

import pytest

from pipeline.build.core import default_core_dir, pio_environment, setup_core


def test_the_environment_names_the_core_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCU_CORE_DIR", "/somewhere/core")
    assert default_core_dir() == Path("/somewhere/core")


def test_tool_scons_is_what_platformio_asks_for(tmp_path: Path) -> None:
    from platformio.dependencies import get_core_dependencies

    wanted = get_core_dependencies()["tool-scons"]
    setup_core(tmp_path)
    folder = tmp_path / "packages" / "tool-scons"
    version = json.loads((folder / "package.json").read_text())["version"]
    assert wanted == f"~{version}"
    assert json.loads((folder / ".piopm").read_text())["spec"]["owner"] == "platformio"


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    setup_core(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    setup_core(tmp_path)
    assert times == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}


def test_pio_is_isolated_from_the_users_own_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORMIO_BUILD_FLAGS", "-Os")
    environment = pio_environment(tmp_path)
    assert environment["PLATFORMIO_CORE_DIR"] == str(tmp_path)
    assert "PLATFORMIO_BUILD_FLAGS" not in environment
