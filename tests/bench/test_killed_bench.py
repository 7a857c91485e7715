"""`kill -9` of a bench at any moment: the next one goes on, beside what still ends."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.qemu, pytest.mark.slow]
TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    sys.path.insert(0, str(TESTS / "runtime"))
    from tflite_builder import Build, T

    found = []
    for width in (3, 5):
        b = Build()
        x = b.input(T((1, 4), scale=0.5, name="input"))
        w = b.tensor(T((width, 4), data=np.ones((width, 4)), scale=0.1))
        b.outputs = b.op("FULLY_CONNECTED", [x, w, -1], [T((1, width), scale=0.5, name="dense")],
                         "FullyConnectedOptions", 2)  # fmt: skip
        path = tmp_path_factory.mktemp("models") / f"small{width}.tflite"
        path.write_bytes(b.bytes())
        found.append(path)
    return found


def command(models: list[Path], folder: Path) -> list[str]:
    words = ["bench", *map(str, models), "-b", "mps2_an386", "--samples", "1", "--jobs", "2"]
    return [sys.executable, "-m", "pipeline.cli.app", *words, "--out", str(folder)]


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_bench_goes_on(models: list[Path], tmp_path: Path, seed: int) -> None:
    if shutil.which("qemu-system-arm") is None or shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("qemu-system-arm or the compiler is not installed")
    rng, folder = random.Random(seed), tmp_path / "bench"
    env = {**os.environ, "MCU_OFFLINE": "1"}
    quiet = subprocess.DEVNULL
    for _ in range(2):
        first = subprocess.Popen(command(models, folder), env=env, stdout=quiet, stderr=quiet)
        time.sleep(rng.uniform(1.0, 9.0))
        first.kill()
        first.wait()
    done = subprocess.run(
        command(models, folder), env=env, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads((folder / "reports.json").read_text())) == len(models)
    left = [p for p in folder.rglob(".*.????????") if ".pio" not in p.parts]
    assert not left, "half-written files"
