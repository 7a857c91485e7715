"""Built for one board, run on another with the same core."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app

DIGITS = Path(__file__).resolve().parents[2] / "pipeline/cli/digits"
pytestmark = [pytest.mark.slow, pytest.mark.qemu]


def test_sizes_are_the_boards_and_figures_the_stand_ins(tmp_path: Path) -> None:
    arguments = [
        "deploy", str(DIGITS / "digits.tflite"), "-b", "nucleo_f446re", "-n", "5",
        "-d", str(DIGITS / "digits.npz"), "--on", "qemu", "--like", "mps2_an386",
        "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    image = json.loads((tmp_path / "run/image.json").read_text())
    assert said["board"]["id"] == image["board"] == "nucleo_f446re"
    assert said["board"]["flash_bytes"] == image["flash_bytes"]
    assert said["report"]["board"]["id"] == said["like"] == "mps2_an386"
    assert said["report"]["accuracy"]["identical_outputs"] == 5
    assert not (tmp_path / "run/report.json").exists()  # the board itself was not run
    words = CliRunner().invoke(app, arguments).stdout
    assert "nucleo_f446re: built, not run" in words
    assert "mps2_an386 stands in for it (both cortex-m4)" in words
