"""Builds of two checkouts side by side in one PlatformIO core folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.build.core import local_platforms, setup_core
from pipeline.resources import FIRMWARE

ROOT = Path(__file__).resolve().parents[2]
_BUILD = """
import sys
from pathlib import Path
from pipeline.board import load_board
from pipeline.build import build
from pipeline.render import render
from tiny_program import tiny_program
board = load_board("mps2_an386")
project = render(board, name="tiny", out=Path(sys.argv[1]), program=tiny_program(), offline=True)
print(build(project, board, core_dir=Path(sys.argv[2])).flash_bytes)
"""


def test_the_link_to_our_platform_is_written_once(tmp_path: Path) -> None:
    core = setup_core(tmp_path)
    (link,) = local_platforms(core).iterdir()
    assert FIRMWARE.as_posix() in link.read_text()
    before = link.stat()
    assert local_platforms(core) == link.parent
    assert link.stat() == before, "a build beside this one never sees half of it"


@pytest.mark.slow
def test_two_checkouts_share_a_core_folder(tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    other = tmp_path / "checkout"
    for name in ("pipeline", "firmware", "boards"):
        shutil.copytree(ROOT / name, other / name, ignore=shutil.ignore_patterns("__pycache__"))
    core, builds = tmp_path / "core", []
    for number in range(8):
        path = [str((ROOT, other)[number % 2]), str(ROOT / "tests")]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "MCU_OFFLINE": "1"}
        command = [sys.executable, "-c", _BUILD, str(tmp_path / f"p{number}/project"), str(core)]
        pipe = subprocess.PIPE
        builds.append(subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True))
    said = [build.communicate(timeout=250) for build in builds]
    assert [build.returncode for build in builds] == [0] * 8, [err[-500:] for _, err in said]
    assert len({out for out, _ in said}) == 1
    assert not list(core.glob("platforms/*.pio-link")), "pio wrote no link that all share"
