"""Whole deploys of Keras files on an emulated board, and the README's Python example."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import deploy
from pipeline.report import read_report

ROOT = Path(__file__).resolve().parents[2]
MCU = Path(sys.executable).with_name("mcu")
pytestmark = [pytest.mark.qemu, pytest.mark.slow]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's network, trained shortly."""
    path = tmp_path_factory.mktemp("digits") / "digits.keras"
    script = ROOT / "examples/digits/train.py"
    subprocess.run([sys.executable, script, path, "--epochs", "6"], check=True)
    return path


@pytest.fixture(scope="module")
def deployed(digits: Path) -> Path:
    """`mcu deploy` of it, as in `make demo`; the run folder."""
    folder = digits.parent / "run"
    done = subprocess.run(
        [MCU, "deploy", digits, "--data", "digits", "--prune", "magnitude:0.75", "--epochs", "6",
         "--board", "disco_f407vg", "--out", folder],
        capture_output=True, text=True, cwd=digits.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "samples right" in done.stdout
    assert "instructions per inference" in done.stdout
    return folder


def test_the_main_job(deployed: Path) -> None:
    report = read_report(deployed / "report.json")
    accuracy, compression = report.accuracy, report.compression
    assert accuracy.samples == 359, "the last fifth of 1,797 digits"
    assert accuracy.identical_outputs == accuracy.samples
    assert accuracy.device is not None and accuracy.device >= 0.93
    assert accuracy.device == accuracy.host == compression.quantized_accuracy
    assert compression.method == "magnitude:0.75"
    assert compression.sparsity >= 0.70
    assert compression.float_accuracy is not None
    assert report.memory.flash_bytes < 100_000


def test_the_report_says_what_pruning_bought(deployed: Path) -> None:
    report = read_report(deployed / "report.json")
    before = [layer.before for layer in report.layers if layer.before is not None]
    assert len(before) == len(report.layers)
    assert all(b.encoding == "" or b.encoding.startswith("dense") for b in before)
    now = sum(layer.weight_bytes for layer in report.layers)
    assert now < 0.6 * sum(b.weight_bytes for b in before)


def test_everything_is_in_the_run_folder(deployed: Path) -> None:
    artifacts = json.loads((deployed / "manifest.json").read_text())["artifacts"]
    assert {
        "pruned.keras", "model.tflite", "model_data.h", "model_data.c", "firmware.elf",
        "image.json", "device.json", "measurement.json", "report.json",
        "project/platformio.ini",
    } <= set(artifacts)  # fmt: skip


def test_deploying_again_needs_no_tensorflow(digits: Path, deployed: Path) -> None:
    """All steps are taken from the run folder, so TensorFlow is not imported."""
    program = (
        "import sys; from pipeline import deploy\n"
        f"done = deploy({str(digits)!r}, 'disco_f407vg', data='digits', prune='magnitude:0.75',"
        f" epochs=6, out={str(deployed)!r})\n"
        "assert done.report is not None\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stdout + done.stderr


@pytest.mark.parametrize("name", ["ic01_resnet8.h5", "kws_ref_saved_model"])
def test_networks_of_other_ages(shared: Path, tmp_path: Path, name: str) -> None:
    done = deploy(
        shared / "models" / name, board="disco_f407vg", data="random", samples=3,
        out=tmp_path / "run",
    )  # fmt: skip
    assert done.report is not None
    assert done.report.accuracy.identical_outputs == 3
    facts = json.loads((tmp_path / "run/model.json").read_text())
    assert facts["check"] <= 1e-5, "the loaded network against the file's own"


def test_the_readme_example_runs(
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert code is not None
    lines = [line for line in code[1].splitlines() if line.strip()]
    assert len(lines) < 10
    (tmp_path / "kws.tflite").symlink_to(shared / "models/kws_ref_int8.tflite")
    (tmp_path / "kws.npz").symlink_to(shared / "data/kws01.npz")
    monkeypatch.chdir(tmp_path)
    exec(compile(code[1], "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "instructions" in said and " 20\n" in said


def test_a_lambda_is_not_executed_unasked(tmp_path: Path) -> None:
    program = (
        "import keras\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2),"
        " keras.layers.Dense(2)])\n"
        f"model.save({str(tmp_path / 'sly.keras')!r})"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    done = subprocess.run(
        [MCU, "deploy", "sly.keras", "-b", "disco_f407vg", "-d", "random", "--until", "quantize"],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "--trust" in done.stderr and "ambda" in done.stderr
    assert not (tmp_path / "runs").exists()
