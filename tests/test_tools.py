"""Programs of other makers: whether they are there, and the command that brings them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import tools
from pipeline.tools import MANAGERS, TOOLS, install_command, installed

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = {"apt": "apt-get"}


def program(folder: Path, name: str, text: str = "exit 0") -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize("manager", MANAGERS)
def test_the_command_of_each_system(
    manager: str, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "is_root", lambda: False)
    program(bin_folder, PROGRAM.get(manager, manager))
    command = install_command("arm-none-eabi-gcc", "qemu-system-arm")
    start = MANAGERS[manager]
    assert command.startswith(start if manager in ("brew", "winget") else f"sudo {start}")
    assert all(name in command for name in TOOLS["qemu-system-arm"].packages[manager].split())


def test_where_no_manager_is_known(bin_folder: Path) -> None:
    assert bin_folder.is_dir()
    assert "install qemu-system-arm and put it on PATH" in install_command("qemu-system-arm")
    assert install_command("esptool") == "install esptool and put it on PATH"


def test_a_package_is_named_once(bin_folder: Path) -> None:
    program(bin_folder, "apt-get")
    assert (
        install_command("qemu-system-avr", "qemu-system-riscv32").split().count("qemu-system-misc")
        == 1
    )


def test_a_compiler_without_its_library_is_not_there(bin_folder: Path) -> None:
    assert not installed("arm-none-eabi-gcc")
    program(bin_folder, "arm-none-eabi-gcc", 'echo "${1#-print-file-name=}"')
    assert not installed("arm-none-eabi-gcc")
    program(bin_folder, "arm-none-eabi-gcc", "echo /usr/lib/nano.specs")
    assert installed("arm-none-eabi-gcc")


def set_up(bin_folder: Path, what: str = "demo") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "setup/install.py"), what],
        capture_output=True, text=True, env={"PATH": str(bin_folder)},
    )  # fmt: skip


def tools_of_the_demo(bin_folder: Path) -> None:
    program(bin_folder, "arm-none-eabi-gcc", "echo /usr/lib/nano.specs")
    program(bin_folder, "qemu-system-arm")


def test_set_up_goes_on_where_the_tools_are_there(bin_folder: Path) -> None:
    tools_of_the_demo(bin_folder)
    done = set_up(bin_folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("manager", [m for m in MANAGERS if m != "apt"])
def test_set_up_names_the_command_where_it_can_not_install(manager: str, bin_folder: Path) -> None:
    program(bin_folder, manager)
    done = set_up(bin_folder)
    assert done.returncode == 1
    assert MANAGERS[manager] in done.stderr
    assert TOOLS["qemu-system-arm"].packages[manager] in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="installs as root")
def test_set_up_installs_what_is_missing_and_no_more(bin_folder: Path, tmp_path: Path) -> None:
    program(bin_folder, "arm-none-eabi-gcc", "echo /usr/lib/nano.specs")
    program(bin_folder, "apt-get", f'echo "$@" >> {tmp_path}/asked')
    done = set_up(bin_folder)
    assert done.returncode == 0, done.stderr
    update, install = (tmp_path / "asked").read_text().splitlines()
    assert update == "update -q"
    assert install == "install -y -q --no-install-recommends qemu-system-arm"


@pytest.mark.skipif(os.geteuid() != 0, reason="installs as root")
def test_a_failed_installation_is_not_hidden(bin_folder: Path) -> None:
    program(bin_folder, "apt-get", '[ "$1" = update ] || exit 100')
    done = set_up(bin_folder)
    assert done.returncode == 1
    assert "sudo apt-get install -y -q --no-install-recommends gcc-arm-none-eabi" in done.stderr


def test_where_sudo_fails_the_line_for_an_administrator_is_shown(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import runpy

    module = runpy.run_path(str(ROOT / "setup/install.py"), run_name="install")
    own = module["tools"]
    monkeypatch.setattr(own, "is_root", lambda: False)
    program(bin_folder, "apt-get")
    assert module["set_up"](own.DEMO) == 1  # no sudo
    assert "apt-get install -y -q --no-install-recommends gcc-arm" in capsys.readouterr().err
    program(bin_folder, "sudo", "exit 1")
    assert module["set_up"](own.DEMO) == 1
    assert "sudo apt-get install -y -q --no-install-rec" in capsys.readouterr().err
    program(bin_folder, "sudo", "exit 0")
    assert module["set_up"](own.DEMO) == 0
