"""A fault in one layer's constants is found in that layer, on an emulated board."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MCU = Path(sys.executable).with_name("mcu")
pytestmark = [pytest.mark.qemu, pytest.mark.slow]
FAULTY = 4
"""The layer whose weights are changed."""


def mcu(*args: object) -> subprocess.CompletedProcess[str]:
    command = [str(MCU), *(str(arg) for arg in args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200)


def compare(run: Path) -> tuple[int, dict[str, Any]]:
    done = mcu("measure", run, "--data", "random", "--samples", 1, "--compare-layers", "--json")
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def run(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layers") / "run"
    done = mcu(
        "deploy", shared / "models/kws_ref_int8.tflite", "--board", "disco_f407vg",
        "--data", "random", "--samples", 1, "--out", folder, "--compare-layers",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "12 of 12 tensors equal" in done.stdout
    return folder


def test_a_changed_weight_is_found_where_it_is(run: Path) -> None:
    assert compare(run)[0] == 0
    data = run / "project" / "src" / "network" / "network_data.c"
    text = data.read_text()
    start = re.search(rf"model_{FAULTY:02d}_\w+\[\d+\] = {{\s*", text)
    assert start is not None
    numbers = list(re.finditer(r"-?\d+", text[start.end() :]))
    # Past the first bias, so that it is a weight: the top byte of a word of four.
    at = numbers[8]
    changed = str(int(at[0]) ^ 0x40000000)
    place = start.end() + at.start()
    data.write_text(text[:place] + changed + text[place + len(at[0]) :])
    for step in ("build", "flash"):
        done = mcu(step, run)
        assert done.returncode == 0, done.stderr
    code, found = compare(run)
    layer = json.loads((run / "program.json").read_text())["layers"][FAULTY]
    assert code == 5
    first = found["first_difference"]
    assert first["layer"] == layer["name"]
    assert 0 < first["different"] <= first["elements"]
    earlier = [t for t in found["tensors"] if t["op"] < first["op"]]
    assert {t["state"] for t in earlier} <= {"equal", "fused"}
