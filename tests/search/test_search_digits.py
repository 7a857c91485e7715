"""A whole search of a Keras network on an emulated board: stopped, gone on with, picked from."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MCU = Path(sys.executable).with_name("mcu")
# About a minute on an idle machine; much longer where others compile and train beside it.
pytestmark = [pytest.mark.slow, pytest.mark.qemu, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    script = ROOT / "examples/digits/train.py"
    subprocess.run([sys.executable, script, folder / "digits.keras", "--epochs", "3"], check=True)
    return folder


SEARCH = (
    "search", "digits.keras", "-b", "mps2_an385", "-d", "digits", "--samples", "40",
    "--epochs", "1", "--trials", "3", "--max-drop", "0.3", "--out", "s",
)  # fmt: skip


def command(*more: str) -> list[str]:
    return [str(MCU), *SEARCH, *more]


def test_a_search_is_stopped_gone_on_with_and_picked_from(folder: Path) -> None:
    pytest.importorskip("sklearn")
    first = subprocess.Popen(command(), cwd=folder, stderr=subprocess.PIPE, text=True)
    assert first.stderr is not None
    heard = []
    try:
        for line in first.stderr:
            heard.append(line)
            if "trial 1: " in line:
                first.send_signal(signal.SIGINT)
                break
        heard += first.stderr.readlines()
        assert first.wait(60) == 130, "".join(heard)
    finally:
        first.kill()
        first.wait()
    kept = json.loads((folder / "s/front.json").read_text())
    assert [t["state"] for t in kept["trials"]][:2] == ["measured", "lost"]

    done = subprocess.run(command("--json"), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    over = [t for t in found["trials"] if t["state"] in ("measured", "ended")]
    assert len(over) == 3
    assert len({t["prune"] for t in over}) == 3
    assert found["objectives"] == ["accuracy", "instructions", "flash_bytes", "ram_bytes"]
    for point in found["front"]:
        run = folder / "s" / point["facts"]["folder"]
        report = json.loads((run / "report.json").read_text())
        assert report["latency"]["median"] == point["values"]["instructions"]
        assert report["compression"]["method"] == point["prune"]

    smallest = min(found["front"], key=lambda t: t["values"]["flash_bytes"])
    assert smallest["prune"] != "none", "half of the neurons cost less flash"
    number = str(smallest["number"])
    picked = subprocess.run(
        command("--pick", number, "--into", "best", "--json"),
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert picked.returncode == 0, picked.stderr
    report = json.loads(picked.stdout)
    assert report["memory"]["flash_bytes"] == smallest["values"]["flash_bytes"]
    assert report["accuracy"]["device"] == smallest["values"]["accuracy"]
    assert "epoch" not in picked.stderr, "what the search has trained is not trained again"
    assert (folder / "best/firmware.elf").is_file()

    nothing = subprocess.run(command("--pick", "99"), cwd=folder, capture_output=True, text=True)
    assert nothing.returncode == 2
    assert "trial 99 was not measured" in nothing.stderr
