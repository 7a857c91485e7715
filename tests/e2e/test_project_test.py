"""`pio test` of a rendered project: built by PlatformIO, run on the emulated board."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from pipeline import deploy
from pipeline.board import load_board
from pipeline.build.core import setup_core
from pipeline.build.pio import run_pio
from pipeline.flash import Device, connect

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))
from tflite_builder import Build, T

pytestmark = [pytest.mark.qemu, pytest.mark.slow]
TEST = "test/test_model/test_model.c"


def model() -> bytes:
    b = Build()
    x = b.input(T((1, 8), "int8", 0.05, 3))
    b.outputs = b.op("SOFTMAX", [x], [T((1, 8), "int8", 1 / 256, -128)], "SoftmaxOptions", 1,
                     beta=1.0)  # fmt: skip
    return b.bytes()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "soft.tflite").write_bytes(model())
    deploy(folder / "soft.tflite", board="mps2_an386", until="render", out=folder / "run")
    return folder / "run" / "project"


def said_by_the_test(project: Path) -> list[str]:
    """Builds the project's test as `pio test` does, and runs it."""
    code, output = run_pio(
        ["test", "--without-uploading", "--without-testing"],
        cwd=project,
        core=setup_core(),
        seconds=200,
        tick=lambda passed: None,
    )
    assert code == 0, output
    assert "Collected 1 tests" in output
    elf = project / ".pio/build/mps2_an386/firmware.elf"
    with connect(Device(on="qemu", board="mps2_an386", elf=elf), load_board("mps2_an386")) as line:
        line.timeout = 0.2
        heard, deadline = b"", time.monotonic() + 20
        while not heard.endswith((b"OK\r\n", b"FAIL\r\n")) and time.monotonic() < deadline:
            heard += line.read(64)
    return heard.decode().split("\r\n")


def test_the_projects_own_test_passes_on_the_chip(project: Path) -> None:
    lines = said_by_the_test(project)
    assert f"{TEST}:0:answers_as_the_reference:PASS" in lines
    assert lines[-3:] == ["3 Tests 0 Failures 0 Ignored", "OK", ""]


def test_a_wrong_answer_fails_it(project: Path) -> None:
    source = project / TEST
    head, start, rest = source.read_text().partition("expected[8] = {\n    ")
    first, _, others = rest.partition(",")
    source.write_text(f"{head}{start}{int(first) ^ 1},{others}")
    lines = said_by_the_test(project)
    assert f"{TEST}:0:answers_as_the_reference:FAIL: not so" in lines
    assert lines[-3:] == ["3 Tests 1 Failures 0 Ignored", "FAIL", ""]


def test_platformio_understands_what_it_prints() -> None:
    from platformio.test.runners.unity import UnityTestRunner

    pattern = UnityTestRunner.TESTCASE_PARSE_RE
    for line, status in (
        (f"{TEST}:0:answers_as_the_reference:PASS", "PASS"),
        (f"{TEST}:0:answers_as_the_reference:FAIL: not so", "FAIL"),
    ):
        match = pattern.search(line)
        assert match is not None
        assert match["status"] == status
