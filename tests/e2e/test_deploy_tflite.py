"""Whole deploys of .tflite files on an emulated board: no TensorFlow involved."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipeline import deploy
from pipeline.errors import DeviceError, DoesNotFit, FirmwareCrashed, LinkError
from pipeline.report import read_report

MCU = Path(sys.executable).with_name("mcu")
pytestmark = [pytest.mark.qemu, pytest.mark.slow]


def mcu(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(MCU), *(str(arg) for arg in args)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=200)


def emulators_of(folder: Path) -> list[psutil.Process]:
    """Emulators that run a firmware of this folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        words = " ".join(process.info["cmdline"] or [])
        if "qemu-system" in (process.info["name"] or "") and str(folder) in words:
            found.append(process)
    return found


@pytest.fixture(scope="module")
def kws(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with the keyword model deployed with 20 real samples."""
    folder = tmp_path_factory.mktemp("kws") / "run"
    done = mcu(
        "deploy", shared / "models/kws_ref_int8.tflite", "--board", "disco_f407vg",
        "--data", shared / "data/kws01.npz", "--samples", 20, "--out", folder, "--json",
        cwd=folder.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((folder / "report.json").read_text())
    return folder


def test_real_samples_are_answered_as_on_the_host(kws: Path) -> None:
    report = read_report(kws / "report.json")
    assert report.accuracy.samples == 20
    assert report.accuracy.identical_outputs == 20
    assert report.accuracy.reference.startswith("tflite-micro")
    assert report.accuracy.device == report.accuracy.host
    assert report.accuracy.device is not None and report.accuracy.device >= 0.8
    assert report.on == "qemu"
    assert report.latency.unit == "instructions"
    assert report.latency.seconds is None


def test_a_thousand_real_samples(kws: Path, shared: Path) -> None:
    done = deploy(
        shared / "models/kws_ref_int8.tflite", board="disco_f407vg",
        data=shared / "data/kws01.npz", out=kws.parent / "thousand",
    )  # fmt: skip
    assert done.report is not None
    accuracy = done.report.accuracy
    assert accuracy.samples == accuracy.identical_outputs == 1000
    assert accuracy.device == accuracy.host == 0.901


def test_the_report_adds_up(kws: Path) -> None:
    report = read_report(kws / "report.json")
    memory = report.memory
    assert memory.flash_bytes == memory.flash_code_bytes + memory.flash_model_bytes
    assert memory.flash_bytes < memory.flash_limit == 1 << 20
    assert memory.arena_bytes < memory.ram_bytes < memory.ram_limit == 1 << 17
    assert 0 < memory.stack_peak_bytes < 8192
    assert report.model.macs == 2_656_768
    assert sum(layer.share for layer in report.layers) == pytest.approx(1.0)
    assert sum(layer.macs for layer in report.layers) == report.model.macs
    cost = sum(layer.cost for layer in report.layers)
    assert cost == pytest.approx(report.latency.median, rel=0.02)


def test_the_manifest_names_every_artifact(kws: Path) -> None:
    artifacts = json.loads((kws / "manifest.json").read_text())["artifacts"]
    assert {"model.tflite", "model_data.c", "firmware.elf", "report.json"} <= set(artifacts)
    for name in artifacts:
        assert (kws / name).is_file()


def test_a_second_run_takes_what_is_there(kws: Path, shared: Path) -> None:
    before = (kws / "firmware.elf").stat().st_mtime_ns
    start = time.perf_counter()
    done = deploy(
        shared / "models/kws_ref_int8.tflite", board="disco_f407vg",
        data=shared / "data/kws01.npz", samples=20, out=kws,
    )  # fmt: skip
    assert time.perf_counter() - start < 10
    assert (kws / "firmware.elf").stat().st_mtime_ns == before
    assert done.report == read_report(kws / "report.json")


def test_the_same_inputs_give_the_same_bytes(kws: Path, shared: Path, tmp_path: Path) -> None:
    done = deploy(
        shared / "models/kws_ref_int8.tflite", board="disco_f407vg", until="build",
        out=tmp_path / "again",
    )  # fmt: skip
    first = json.loads((kws / "manifest.json").read_text())["artifacts"]
    assert done.artifacts == {name: first[name] for name in done.artifacts}


@pytest.mark.parametrize("model", ["ic01_resnet8_int8", "ad01_int8"])
def test_generated_inputs_report_no_accuracy(shared: Path, tmp_path: Path, model: str) -> None:
    done = deploy(
        shared / f"models/{model}.tflite", board="disco_f407vg", data="random", samples=3,
        out=tmp_path / "run",
    )  # fmt: skip
    assert done.report is not None
    accuracy = done.report.accuracy
    assert (accuracy.device, accuracy.host) == (None, None)
    assert accuracy.identical_outputs == accuracy.samples == 3


def test_the_other_board_answers_the_same(shared: Path, tmp_path: Path) -> None:
    done = deploy(
        shared / "models/kws_ref_int8.tflite", board="mps2_an386", samples=3,
        data=shared / "data/kws01.npz", out=tmp_path / "run",
    )  # fmt: skip
    assert done.report is not None
    assert done.report.accuracy.identical_outputs == 3


def test_each_step_alone(shared: Path, tmp_path: Path) -> None:
    steps = (
        ("convert", shared / "models/ad01_int8.tflite", "--out", "run"),
        ("render", "run/model.tflite", "--board", "disco_f407vg"),
        ("build", "run/project"),
        ("flash", "run/firmware.elf", "--on", "qemu"),
        ("measure", "run/device.json", "--data", "random", "--samples", 2),
        ("report", "run/measurement.json"),
    )
    for step in steps:
        done = mcu(*step, "--json", cwd=tmp_path)
        assert done.returncode == 0, (step, done.stderr)
        assert json.loads(done.stdout)
    assert read_report(tmp_path / "run/report.json").accuracy.identical_outputs == 2


@pytest.mark.parametrize("until", ["convert", "render", "build"])
def test_until_stops_there(shared: Path, tmp_path: Path, until: str) -> None:
    model = shared / "models/ad01_int8.tflite"
    done = deploy(model, board="disco_f407vg", until=until, out=tmp_path / "run")
    assert done.report is None
    assert (tmp_path / "run/firmware.elf").exists() == (until == "build")
    assert (tmp_path / "run/project").exists() == (until != "convert")
    assert (tmp_path / "run/manifest.json").is_file()


def test_a_model_that_is_too_large(shared: Path, tmp_path: Path, small_board: str) -> None:
    with pytest.raises(DoesNotFit) as caught:
        deploy(
            shared / "models/ad01_int8.tflite", board=small_board, until="build",
            out=tmp_path / "run",
        )  # fmt: skip
    text = str(caught.value)
    assert caught.value.exit_code == 3
    assert "flash" in text and "bytes" in text
    assert "disco_f407vg" in text, "it says what would fit"
    assert not (tmp_path / "run/firmware.elf").exists()


@pytest.fixture
def small_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A board like the Discovery with 128 KB of flash."""
    import pipeline.board

    folder = tmp_path / "boards"
    source = pipeline.board.description.BOARDS / "disco_f407vg"
    shutil.copytree(source, folder / "tiny")
    (folder / "disco_f407vg").symlink_to(source)
    text = (source / "board.toml").read_text()
    text = text.replace('id = "disco_f407vg"', 'id = "tiny"').replace("0x10_0000", "0x2_0000")
    (folder / "tiny" / "board.toml").write_text(text)
    monkeypatch.setattr(pipeline.board.description, "BOARDS", folder)
    pipeline.board.load_board.cache_clear()
    yield "tiny"
    pipeline.board.load_board.cache_clear()


def rebuilt(shared: Path, folder: Path, statement: str) -> None:
    """A firmware whose main() does something bad first."""
    deploy(shared / "models/ad01_int8.tflite", board="disco_f407vg", until="build", out=folder)
    main = folder / "project/src/main.c"
    text = main.read_text()
    assert "monitor_run();" in text
    main.write_text(text.replace("monitor_run();", f"{statement}\n    monitor_run();"))
    assert mcu("build", "run/project", cwd=folder.parent).returncode == 0


def test_a_firmware_that_crashes(shared: Path, tmp_path: Path) -> None:
    rebuilt(shared, tmp_path / "run", "*(volatile int *)0xF0000000u = 1;")
    done = mcu("flash", "run/firmware.elf", "--on", "qemu", "--json", cwd=tmp_path)
    assert done.returncode == 4
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == FirmwareCrashed.__name__
    assert "pc=" in done.stderr and "cfsr=" in done.stderr
    assert not emulators_of(tmp_path)


def test_a_firmware_that_goes_silent(shared: Path, tmp_path: Path) -> None:
    rebuilt(shared, tmp_path / "run", "for (;;) {\n    }")
    done = mcu("flash", "run/firmware.elf", "--on", "qemu", "--json", cwd=tmp_path)
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["kind"] == LinkError.__name__
    assert "silent" in done.stderr
    assert not emulators_of(tmp_path)


@pytest.fixture
def measuring(shared: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A long `mcu deploy` that has come to its emulator."""
    arguments = [
        "deploy", shared / "models/ic01_resnet8_int8.tflite", "--board", "disco_f407vg",
        "--data", "random", "--samples", "5000", "--out", tmp_path / "run",
    ]  # fmt: skip
    process = subprocess.Popen(
        [str(MCU), *map(str, arguments)], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        wait_until(
            lambda: (
                process.poll() is not None
                or ((tmp_path / "run/device.json").exists() and bool(emulators_of(tmp_path)))
            )
        )
        assert process.poll() is None, process.communicate()[1]
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def test_an_interrupt_leaves_no_process_behind(
    measuring: subprocess.Popen[str], tmp_path: Path
) -> None:
    os.kill(measuring.pid, signal.SIGINT)
    _, err = measuring.communicate(timeout=30)
    assert measuring.returncode == 130, err
    assert "interrupted" in err
    assert wait_until(lambda: not emulators_of(tmp_path), 10)
    assert not (tmp_path / "run/measurement.json").exists()


def test_a_killed_parent_takes_its_emulator_along(
    measuring: subprocess.Popen[str], tmp_path: Path
) -> None:
    measuring.kill()
    measuring.communicate()
    assert wait_until(lambda: not emulators_of(tmp_path), 10)


def test_a_port_that_is_in_use_or_absent(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        deploy(
            shared / "models/ad01_int8.tflite", board="disco_f407vg", data="random",
            on="serial", port="/dev/ttyNOTHERE", out=tmp_path / "run",
        )  # fmt: skip
    assert "/dev/ttyNOTHERE" in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda x, y: (x[:, :5], y), "shape"),
        (lambda x, y: (np.where(np.arange(len(x)) == 3, np.nan, 1.0).astype("f4"), y), ""),
        (lambda x, y: (x, np.where(np.arange(len(y)) == 3, 99, y)), "99"),
        (lambda x, y: (x, y[:-1]), ""),
        (lambda x, y: (x.astype("U1"), y), "numbers"),
    ],
    ids=["shape", "nan", "label", "length", "type"],
)
def test_data_that_do_not_go_with_the_model(
    shared: Path, tmp_path: Path, kws: Path, break_it, says: str
) -> None:
    data = np.load(shared / "data/kws01.npz")
    x, y = break_it(data["x"][:10], data["y"][:10].astype(np.int64))
    np.savez(tmp_path / "bad.npz", x=x, y=y)
    done = mcu("measure", kws, "--data", tmp_path / "bad.npz", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "bad.npz" in done.stderr and says in done.stderr


def test_a_missing_tool_is_named(shared: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(MCU.parent), "MCU_OFFLINE": "1"}
    done = subprocess.run(
        [MCU, "deploy", shared / "models/ad01_int8.tflite", "-b", "disco_f407vg", "-d", "random"],
        capture_output=True, text=True, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert done.returncode == 1
    assert "arm-none-eabi-gcc" in done.stderr
    assert "gcc-arm-none-eabi" in done.stderr, "the package to install"
    assert not (tmp_path / "runs").exists()
