"""Other systems and odd environments: what is not there, and what is there and misleads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import system
from pipeline.build.core import pio_environment
from pipeline.load.tfenv import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[1]
DIGITS = ROOT / "pipeline/cli/digits"

# Takes from our modules what only some systems have; libraries keep it for their own use.
ELSEWHERE = """
import builtins, os, sys
GONE = {"fcntl", "pty", "tty", "termios", "grp", "pwd", "resource"}
real = builtins.__import__
def without(name, globals=None, *rest, **more):
    if name in GONE and (globals or {}).get("__name__", "").startswith("pipeline"):
        raise ModuleNotFoundError(f"not on this system: {name}", name=name)
    return real(name, globals, *rest, **more)
builtins.__import__ = without
for name in ("sched_getaffinity", "sched_setaffinity", "getuid", "geteuid", "getgroups"):
    delattr(os, name)
"""
IMPORT_ALL = """
import importlib, pkgutil, pipeline
names = [found.name for found in pkgutil.walk_packages(pipeline.__path__, "pipeline.")
         if not found.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
DEPLOY = """
import sys
from pipeline.cli.app import app
sys.argv[0] = "mcu"
app()
"""


def run(program: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", program, *arguments],
        capture_output=True, text=True, **options,  # type: ignore[call-overload]
    )  # fmt: skip


def test_every_module_imports_where_there_is_no_unix() -> None:
    done = run(ELSEWHERE + IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 250


def build(folder: Path, before: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Deploys the digits until the firmware is built, in a process with these variables."""
    environment = {**os.environ, "MCU_OFFLINE": "1", **variables}
    return run(
        before + DEPLOY, "deploy", str(DIGITS / "digits.tflite"), "-b", "mps2_an386",
        "--until", "build", "--out", str(folder / "run"), cwd=folder, env=environment,
    )  # fmt: skip


@pytest.mark.slow
def test_firmware_is_built_where_there_is_no_unix(tmp_path: Path) -> None:
    done = build(tmp_path, ELSEWHERE)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/firmware.elf").is_file()


@pytest.mark.slow
def test_an_environment_that_misleads(tmp_path: Path) -> None:
    """Headers of another compiler, modules in the working folder, a TMPDIR with a blank."""
    headers = tmp_path / "headers"
    headers.mkdir()
    for name in ("stdint.h", "string.h", "stddef.h"):
        (headers / name).write_text("#error not this one\n")
    for name in ("random", "typing", "json", "SCons", "platformio", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')\n")
    blank = tmp_path / "a blank"
    blank.mkdir()
    misleading = {name: str(headers) for name in ("CPATH", "C_INCLUDE_PATH")}
    done = build(tmp_path, TMPDIR=str(blank), KERAS_BACKEND="jax", **misleading)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run/image.json").read_text())["flash_bytes"] > 0


def test_compilers_see_no_folders_that_the_project_does_not_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in (*system.COMPILER_VARIABLES, "PLATFORMIO_BUILD_FLAGS"):
        monkeypatch.setenv(name, "/elsewhere")
    assert "/elsewhere" not in pio_environment(tmp_path).values()


def test_keras_works_with_tensorflow_whatever_was_exported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pipeline.load import tfenv

    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(tfenv.extras, "load", lambda *_, **__: (_ for _ in ()).throw(LookupError))
    with pytest.raises(LookupError):
        tfenv.tensorflow.__wrapped__()
    assert os.environ["KERAS_BACKEND"] == ENVIRONMENT["KERAS_BACKEND"] == "tensorflow"


@pytest.mark.parametrize(
    "worker", ["pipeline.bench.worker", "pipeline.search.worker", "pipeline.quantize.worker"]
)
def test_workers_take_no_modules_from_the_working_folder(worker: str, tmp_path: Path) -> None:
    source = subprocess.run(
        ["grep", "-rn", f'"{worker}"', str(ROOT / "pipeline"), "--include=*.py"],
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert '"-P", "-m"' in source
    (tmp_path / "typing.py").write_text("raise SystemExit('not this one')\n")
    done = subprocess.run(
        [sys.executable, "-P", "-m", worker], cwd=tmp_path, input="", capture_output=True, text=True
    )
    assert "not this one" not in done.stderr


def test_one_processor_has_one_emulator_whatever_tmpdir_says(tmp_path: Path) -> None:
    program = (
        "from pipeline.flash.process import own_processor as own\n"
        "with own() as number:\n"
        "    print(number, flush=True)\n"
        "    input()\n"
    )
    there = system.processors()
    taken: list[str] = []
    holders = []
    try:
        for number in range(len(there) + 1):
            folder = tmp_path / str(number)
            folder.mkdir()
            holder = subprocess.Popen(
                [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True, env={**os.environ, "TMPDIR": str(folder)},
            )  # fmt: skip
            holders.append(holder)
            assert holder.stdout is not None
            taken.append(holder.stdout.readline().strip())
    finally:
        for holder in holders:
            holder.communicate("\n")
    found = [number for number in taken if number != "None"]
    assert len(set(found)) == len(found) <= len(there)
    assert taken[-1] == "None"


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with system.locked(path):
        with pytest.raises(system.Busy), system.locked(path, wait=False):
            pass
        other = "import sys; from pathlib import Path; from pipeline import system\n"
        other += f"with system.locked(Path({str(path)!r}), wait=False): pass"
        assert "Busy" in run(other).stderr
    with system.locked(path, wait=False):
        pass


def test_processors_without_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = system.processor_count()
    monkeypatch.delattr(os, "sched_getaffinity")
    assert system.processor_count() == expected
