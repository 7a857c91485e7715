"""The pytest plugin, in test runs of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ci-example"
HEAD = f"""
import numpy as np, psutil, pytest
MODEL = {str(EXAMPLE / "models" / "digits.tflite")!r}
DATA = np.load({str(EXAMPLE / "tests" / "digits.npz")!r})
X, Y = DATA["x"][:3], DATA["y"][:3]

def emulators():
    return [p.pid for p in psutil.Process().children(recursive=True) if "qemu" in p.name()]
"""
ON_QEMU = ("--mcu-board", "mps2_an386", "--mcu-on", "qemu")


def test_the_options_are_in_the_help(pytester: pytest.Pytester) -> None:
    ran = pytester.runpytest_inprocess("--help")
    ran.stdout.fnmatch_lines(["*--mcu-board=ID*", "*--mcu-on=WHERE*"])


def test_a_run_without_boards_imports_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\n"
        "def test_it():\n"
        "    heavy = {'numpy', 'serial', 'jinja2', 'tensorflow', 'sqlalchemy',"
        "             'pipeline.testing.rig'}\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    ran = pytester.runpytest_subprocess("-p", "no:hypothesispytest")
    ran.assert_outcomes(passed=1)


def test_importing_the_plugin_takes_no_time() -> None:
    program = (
        "import pytest, time; start = time.process_time(); import pipeline.testing.plugin;"
        "print(time.process_time() - start)"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", program], capture_output=True).stdout)
        for _ in range(2)
    ]
    assert min(times) < 0.15


def test_without_a_board_it_says_what_to_do(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(board): pass")
    ran = pytester.runpytest_inprocess()
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(["*say which with --mcu-board ID, or mcu_board = ID*"])


def test_an_unknown_board(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(board): pass")
    ran = pytester.runpytest_inprocess("--mcu-board", "disco_f407")
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(["*did you mean disco_f407vg*"])


def test_a_place_that_is_none(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(board): pass")
    ran = pytester.runpytest_inprocess("--mcu-board", "disco_f407vg", "--mcu-on", "moon")
    ran.stdout.fnmatch_lines(["*'moon' is no place to run*"])


def test_a_model_that_is_not_there_is_told_at_the_tests_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(board):\n    board.deploy('none.tflite')")
    ran = pytester.runpytest_inprocess(*ON_QEMU)
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines([">*board.deploy('none.tflite')", "E*no such file or folder*"])
    assert "rig.py" not in ran.stdout.str()


# With an emulator -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_qemu(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Options; what one run has built is there for the next."""
    return (*ON_QEMU, "-o", f"cache_dir={tmp_path_factory.mktemp('cache')}")


@pytest.mark.slow
@pytest.mark.qemu
def test_one_emulator_per_model_and_the_log_of_a_failure(
    pytester: pytest.Pytester, on_qemu: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        HEAD
        + """
seen = []

def test_first(board):
    digits = board.deploy(MODEL)
    assert list(digits.predict(X)) == list(Y)
    assert digits.outputs(X).shape == (3, 10)
    seen.extend(emulators())
    assert len(seen) == 1

def test_second(board):
    assert board.id == "mps2_an386"
    assert board.deploy(MODEL).accuracy(X, np.eye(10)[Y]) == 1.0
    assert emulators() == seen

def test_an_assertion_fails(board):
    assert board.deploy(MODEL).latency(X).median < 10

def test_wrong_samples(board):
    with pytest.raises(Exception, match="shape"):
        board.deploy(MODEL).outputs(X[:, :4])

def test_another_build_has_an_emulator_of_its_own(board):
    assert board.deploy(MODEL, optimize="size").accuracy(X, Y) == 1.0
    assert len(emulators()) == 2

def test_a_line_that_broke_is_opened_anew(board):
    digits = board.deploy(MODEL)
    psutil.Process(seen[0]).kill()
    with pytest.raises(Exception):
        digits.outputs(X)
    assert digits.accuracy(X, Y) == 1.0
"""
    )
    ran = pytester.runpytest_subprocess(*on_qemu)
    ran.assert_outcomes(passed=5, failed=1)
    ran.stdout.fnmatch_lines(
        ["*serial line, digits.tflite on mps2_an386*", "*> ?HELLO*", "*< ?INFO*", "*< ?RESULT*"]
    )
    assert ran.stdout.str().count("serial line,") == 1


@pytest.mark.slow
@pytest.mark.qemu
def test_it_works_side_by_side(pytester: pytest.Pytester, on_qemu: tuple[str, ...]) -> None:
    pytester.makepyfile(
        HEAD
        + """
@pytest.mark.parametrize("sample", range(4))
def test_it(board, sample):
    digits = board.deploy(MODEL)
    assert digits.accuracy(DATA["x"][sample:][:1], DATA["y"][sample:][:1]) == 1.0
    assert len(emulators()) == 1
"""
    )
    ran = pytester.runpytest_subprocess(*on_qemu, "-n", "2")
    ran.assert_outcomes(passed=4)


@pytest.mark.slow
@pytest.mark.qemu
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_emulator_is_left_behind(
    pytester: pytest.Pytester, on_qemu: tuple[str, ...], how: signal.Signals
) -> None:
    pytester.makepyfile(
        HEAD
        + """
def test_it(board, request):
    import pathlib, time
    board.deploy(MODEL).outputs(X)
    (request.path.parent / "part").write_text(str(emulators()[0]))
    (request.path.parent / "part").rename(request.path.parent / "pid")
    time.sleep(60)
"""
    )
    command = [sys.executable, "-m", "pytest", *on_qemu]
    run = subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (pytester.path / "pid").is_file() and time.monotonic() < deadline:
        assert run.poll() is None
        time.sleep(0.05)
    emulator = int((pytester.path / "pid").read_text())
    os.kill(run.pid, how)
    run.wait(20)
    while Path(f"/proc/{emulator}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{emulator}").exists()
