"""The command line as a person meets it: help, lists, JSON, wrong use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MCU = Path(sys.executable).with_name("mcu")
COMMANDS = (
    "deploy", "prune", "quantize", "convert", "render", "build", "flash", "measure", "report",
    "emulate", "bench", "compare", "history", "analyze", "search", "boards", "ops", "ports",
    "doctor",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples_and_json(mcu, command: str) -> None:
    ran = mcu(command, "--help")
    assert ran.code == 0
    assert "Examples:" in ran.out
    assert f"  mcu {command}" in ran.out
    assert "--json" in ran.out


def test_help_names_the_commands_in_the_order_of_the_chain(mcu) -> None:
    ran = mcu("--help")
    places = [ran.out.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


LIGHT = {
    "pipeline.deploy", "pipeline.errors", "pipeline.progress", "pipeline.board",
    "pipeline.board.description", "pipeline.board.cores", "pipeline.resources",
    "pipeline.oserrors", "pipeline.board.allowed", "pipeline.run", "pipeline.run.decode",
    "pipeline.run.folder", "pipeline.run.inside", "pipeline.run.lock", "pipeline.run.private",
    "pipeline.run.seal", "pipeline.scratch", "pipeline.system",
    "pipeline.options", "pipeline.options.option", "pipeline.options.deployment",
    "pipeline.options.data", "pipeline.options.training", "pipeline.options.engine",
    "pipeline.options.running", "pipeline.options.signature",
}  # fmt: skip
# What takes long to import, or is of no use to a command that only says something.
HEAVY = {
    "tensorflow", "keras", "tf_keras", "tensorflow_model_optimization", "tflite_micro",
    "ai_edge_litert", "numpy", "sklearn", "optuna", "sqlalchemy", "jinja2", "rich", "elftools",
    "serial", "platformio", "SCons", "psutil", "fastjsonschema", "asyncio", "multiprocessing",
}  # fmt: skip
RUN = """
import contextlib, io, sys
from pipeline.cli.app import app
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    app(sys.argv[1:])
print(" ".join(sys.modules))
"""


@pytest.mark.parametrize("words", [["--help"], ["boards"], ["boards", "--json"], ["bench", "-h"]])
def test_light_commands_import_little(words: list[str]) -> None:
    """What they import decides how fast they start, and does not depend on other work."""
    ran = subprocess.run(
        [sys.executable, "-c", RUN, *words], check=True, capture_output=True, text=True
    )
    found = set(ran.stdout.split())
    assert not {name.partition(".")[0] for name in found} & HEAVY
    ours = {name for name in found if name.startswith("pipeline.")}
    assert {name for name in ours if not name.startswith("pipeline.cli")} <= LIGHT


def test_boards_lists_what_is_known(mcu) -> None:
    ran = mcu("boards")
    assert "disco_f407vg" in ran.out
    rows = mcu("boards", "--json").json
    disco = next(row for row in rows if row["id"] == "disco_f407vg")
    assert disco["clock_hz"] == 168_000_000
    assert "qemu" in disco["emulators"]
    assert set(disco["verified"]) <= {"built", "ran in QEMU", "ran in Renode", "ran on hardware"}


def test_ops_lists_the_engine(mcu) -> None:
    rows = mcu("ops", "--json").json
    assert {"CONV_2D", "FULLY_CONNECTED"} <= {row["op"] for row in rows}
    assert "CONV_2D" in mcu("ops").out


def test_doctor_and_ports_speak_json(mcu) -> None:
    checks = mcu("doctor", "--json").json
    assert all({"name", "ok", "found", "hint"} <= set(check) for check in checks)
    assert isinstance(mcu("ports", "--json").json, list)


def test_an_unknown_board_gets_the_nearest_names(mcu, tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(b"\x00" * 64)
    ran = mcu("deploy", model, "--board", "disco_f407")
    assert ran.code == 2
    assert "disco_f407vg" in ran.err
    assert not (tmp_path / "runs").exists()


def test_an_error_is_json_too(mcu) -> None:
    ran = mcu("deploy", "nothing.keras", "--board", "disco_f407vg", "--json")
    assert ran.code == 2
    assert ran.json["error"]["kind"] == "WrongUse"
    assert ran.json["error"]["where"] == "nothing.keras"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--until", "lunch"),
        ("--engine", "onnx"),
        ("--optimize", "everything"),
        ("--ram-limit", "little"),
        ("--on", "moon"),
        ("--samples", "0"),
        ("--prune", "magnitude:1.5"),
        ("--prune", "magnitude"),
    ],
)
def test_options_without_sense(mcu, tmp_path: Path, option: str, value: str) -> None:
    model = tmp_path / "m.keras"
    model.write_bytes(b"")
    ran = mcu("deploy", model, "--board", "disco_f407vg", "--data", "random", option, value)
    assert ran.code == 2, ran.err
    assert option.lstrip("-") in ran.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [("--engine", "onnx"), ("--optimize", "fast"), ("--ram-limit", "little"), ("--mlperf", "zz")],
)
def test_a_step_alone_refuses_what_the_chain_does(
    mcu, tmp_path: Path, option: str, value: str
) -> None:
    (tmp_path / "m.tflite").write_bytes(b"")
    ran = mcu("render", tmp_path / "m.tflite", "--board", "disco_f407vg", option, value)
    assert ran.code == 2, ran.err
    assert ran.err.startswith(f"error: {option}: ")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not a model"),
        (b"\x1c\x00\x00\x00TFL3" + b"\xff" * 40, "damaged"),
    ],
)
def test_files_that_are_no_model(mcu, tmp_path: Path, content: bytes, says: str) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(content)
    ran = mcu("deploy", model, "--board", "disco_f407vg", "--data", "random")
    assert ran.code == 1
    assert str(model) in ran.err or model.stem in ran.err
    assert says in ran.err
    assert not list(tmp_path.glob("runs/**/*.tflite"))


def test_a_truncated_model_is_refused(mcu, shared: Path, tmp_path: Path) -> None:
    whole = (shared / "models/kws_ref_int8.tflite").read_bytes()
    model = tmp_path / "cut.tflite"
    model.write_bytes(whole[: len(whole) // 2])
    ran = mcu("convert", model)
    assert ran.code == 1
    assert "cut" in ran.err


def test_steps_say_which_one_is_missing(mcu, shared: Path, tmp_path: Path) -> None:
    assert mcu("convert", shared / "models/ad01_int8.tflite", "--out", "run").code == 0
    for command, missing in (("build", "render"), ("flash", "build"), ("measure", "flash")):
        extra = ["--data", "random"] if command == "measure" else []
        ran = mcu(command, "run", *extra)
        assert ran.code == 2
        assert f"mcu {missing}" in ran.err


def test_a_limit_on_the_arena(mcu, shared: Path, tmp_path: Path) -> None:
    model = shared / "models/kws_ref_int8.tflite"
    board = ("--board", "disco_f407vg")
    assert mcu("render", model, *board, "--ram-limit", "9.5KB", "--out", "run").code == 0
    header = (tmp_path / "run/project/src/network/network.h").read_text()
    arena = int(header.partition("NETWORK_ARENA_BYTES ")[2].split()[0])
    assert 8000 < arena <= 9.5 * 1024
    ran = mcu("convert", model, "--explain", *board, "--ram-limit", "9.5KB", "--json")
    assert ran.json["explain"]["arena_bytes"] == arena
    ran = mcu("render", model, *board, "--ram-limit", "8000", "--out", "other")
    assert ran.code == 3
    assert "8,000 are allowed" in ran.err
    assert not (tmp_path / "other/project").exists()


def test_a_foreign_folder_is_not_written_to(mcu, shared: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    ran = mcu("convert", shared / "models/ad01_int8.tflite", "--out", "mine")
    assert ran.code == 2
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_convert_writes_the_array_and_says_what_is_in_it(mcu, shared: Path, tmp_path: Path) -> None:
    ran = mcu("convert", shared / "models/kws_ref_int8.tflite", "--out", "run", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["macs"] == 2_656_768
    assert len(ran.json["ops"]) == 13
    header = (tmp_path / "run/model_data.h").read_text()
    assert ran.json["sha256"] in header + (tmp_path / "run/model_data.c").read_text()
    manifest = json.loads((tmp_path / "run/steps.json").read_text())
    assert set(manifest["convert"]["files"]) == {"model_data.h", "model_data.c"}
