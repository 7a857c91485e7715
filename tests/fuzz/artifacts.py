"""Run folders that somebody has meddled with: JSON of another shape, names that lead out, links.

A case is one file of a small but whole run folder, changed. Everything that reads it is tried:
reports, comparisons and their pages, the bench and its resumption, the history, the steps. Files
beside the folder must be as before.
"""

from __future__ import annotations

import base64
import copy
import importlib
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.errors import McuError

_TESTS = Path(__file__).resolve().parents[1]
_WORDS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**53), 10**30, 0.5, -0.0, 1e308, 5e-324,
    float("nan"), float("inf"), "", "x", "\x1b[2J\x1b]0;x\x07", "\u202e", "../../canary", "/canary",
    "../canary", "project/../../canary", "a\nextra_scripts = pre:x.py", "!touch canary",
    "$(touch canary)", "\ud800", "\x00", "9" * 5000, "é" * 300, [], {}, [[]], {"": {}}, [0] * 50,
    "firmware.elf", "model.tflite", "../canary/", "canary.txt", "qemu", "aot", "disco_f407vg",
)  # fmt: skip
_RAW = (
    b"", b"\xff\xfe", b"{", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000, b"NaN", b"null",
    b"\xef\xbb\xbf{}", b'"\\ud800"', b"[1,]", b"0x10", b"{}", b"[]", b"true", b"\x93NUMPY\x01\x00",
)  # fmt: skip
_LINK = "link"


def make_case(rng: random.Random) -> bytes:
    """One file of the folder, changed: its name, and its new content or where it links to."""
    name = rng.choice(sorted(_template()))
    old = _template()[name]
    kind = rng.random()
    if kind < 0.02:
        return _case(
            name, rng.choice(["../canary.txt", "/etc/passwd", name, "/dev/zero"]), link=True
        )
    if kind < 0.06:
        return _case(name, rng.choice(_RAW))
    if kind < 0.2 or not name.endswith(".json"):
        return _case(name, _flipped(rng, old))
    document = json.loads(old)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if isinstance(document, dict | list):
            document = _changed(rng, document)
    return _case(name, json.dumps(document).encode("utf-8", "surrogatepass"))


def try_case(case: bytes) -> None:
    """Reads the folder in every way there is; raises the last error of ours."""
    change = json.loads(case)
    with tempfile.TemporaryDirectory(dir=_room()) as name:
        outside = Path(name)
        canary = outside / "canary.txt"
        canary.write_text("as it was")
        folder = outside / "bench" / "cell"
        folder.mkdir(parents=True)
        for file, content in _template().items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        target = folder / change["file"]
        target.unlink()
        if change["link"]:
            target.symlink_to(base64.b64decode(change["content"]).decode())
        else:
            target.write_bytes(base64.b64decode(change["content"]))
        if not change["link"]:
            shutil.copy(folder / "bench.json", folder.parent)
        refused = None
        for way in _WAYS.get(change["file"], (_artifacts, _report_again)):
            try:
                way(folder)
            except McuError as error:
                refused = error
        found = sorted(p.name for p in outside.iterdir())
        if canary.read_text() != "as it was" or found != ["bench", "canary.txt"]:
            raise AssertionError(f"files beside the folder have changed: {found}")
    if refused is not None:
        raise refused


def _case(name: str, content: bytes | str, link: bool = False) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    text = base64.b64encode(data).decode()
    return json.dumps({"file": name, "content": text, "link": link}).encode()


def _flipped(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(changed) + 1)
        kind = rng.random()
        if kind < 0.5 and at < len(changed):
            changed[at] = rng.randrange(256)
        elif kind < 0.7:
            del changed[at : at + rng.randint(1, 20)]
        elif kind < 0.9:
            changed[at:at] = changed[: rng.randint(1, 40)]
        else:
            del changed[at:]
        changed = changed or bytearray(b" ")
    return bytes(changed)


def _changed(rng: random.Random, value: Any) -> Any:
    """A document with one place of it changed."""
    places: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        one = stack.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        for key in keys:
            places.append((one, key))
            if isinstance(one[key], dict | list):
                stack.append(one[key])
    if not places or rng.random() < 0.01:
        return copy.deepcopy(rng.choice(_WORDS))
    holder, key = rng.choice(places)
    kind = rng.random()
    if kind < 0.15:
        del holder[key]
    elif kind < 0.25 and isinstance(holder, dict):
        holder[str(rng.choice(_WORDS))[:6000]] = holder.pop(key)
    elif kind < 0.3 and isinstance(holder, list):
        holder += holder * rng.randint(1, 20)
    elif kind < 0.4:
        other, name = rng.choice(places)
        if name in other if isinstance(other, dict) else name < len(other):
            holder[key] = copy.deepcopy(other[name])
    else:
        holder[key] = copy.deepcopy(rng.choice(_WORDS))
    return value


# What reads a run folder ------------------------------------------------------------------


def _report_again(folder: Path) -> None:
    from pipeline import steps
    from pipeline.cli.console import clean
    from pipeline.cli.summary import summary
    from pipeline.steps import artifacts

    run = artifacts.run_of(folder)
    report = steps.report(run)
    text = clean(summary(report, folder))
    assert "\x1b" not in text and "\u202e" not in text
    run.finish()


def _artifacts(folder: Path) -> None:
    from pipeline.steps import artifacts

    run = artifacts.run_of(folder)
    for read in (artifacts.image_of, artifacts.device_of, artifacts.measurement_of):
        read(run)
    artifacts.project_of(run)
    artifacts.flat_of(folder)


def _compared(folder: Path) -> None:
    from pipeline.report.compare import compare
    from pipeline.report.gates import parse_gates
    from pipeline.report.html import page
    from pipeline.report.junit import cases_of, junit
    from pipeline.report.markdown import markdown
    from pipeline.report.sources import load_reports

    mine = load_reports(str(folder))
    gates = parse_gates(max_slowdown="2%", max_drop="0.5", max_flash="+1KB", parity=True)
    done = compare(_good(), mine, gates)
    markdown(done)
    junit("fuzz", cases_of(done))
    html = page([pair.after for pair in done.pairs], title="fuzz", comparison=done)
    assert "\x1b" not in html and "<script" not in html.lower()
    done.to_json()


def _benched(folder: Path) -> None:
    from pipeline.bench import matrix
    from pipeline.options import Options

    cell = matrix.Cell("cell", folder / "model.tflite", "disco_f407vg", Options(on="qemu"))
    before = matrix._state(folder.parent)
    if before.cells and "cell" in before.cells:
        matrix._kept(cell, folder.parent, before)


def _recorded(folder: Path) -> None:
    from pipeline.report.document import report_from_text

    path = folder / "report.json"
    if not path.is_symlink():
        report_from_text(path.read_text(errors="surrogateescape"), "the history")


def _steps_anew(folder: Path) -> None:
    from pipeline.run import Run

    run = Run(folder)
    run.step("quantize", "another", (), lambda _: None, lambda _: None)


# What reads a file; most are read for the report.
_WAYS: dict[str, tuple[Callable[[Path], None], ...]] = {
    "steps.json": (_steps_anew, _artifacts, _report_again),
    "report.json": (_compared, _recorded),
    "bench.json": (_benched,),
    "manifest.json": (_report_again,),
    "project/platformio.ini": (_artifacts, _steps_anew),
}


def _room() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


@cache
def _good() -> list[Any]:
    from pipeline.report.document import report_of

    return [report_of(json.loads(_template()["report.json"]), "the template")]


@cache
def _template() -> dict[str, bytes]:
    """A run folder's files, written by what writes them in a deployment."""
    assemble = importlib.import_module("pipeline.report.assemble")
    # Each costs a process; neither reads the folder.
    assemble.git_state = lambda folder=None: "0123456789ab"
    assemble._source_state = lambda: ""
    with tempfile.TemporaryDirectory(dir=_room()) as name:
        folder = Path(name) / "run"
        _fill(folder)
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


def _fill(folder: Path) -> None:
    import numpy as np

    sys.path[:0] = [str(_TESTS / "runtime"), str(_TESTS)]
    from tflite_builder import Build, T

    from pipeline import steps
    from pipeline.board import load_board
    from pipeline.build import Image
    from pipeline.codegen import generate
    from pipeline.convert import read_graph
    from pipeline.flash import Device
    from pipeline.load import FlatModel
    from pipeline.measure import (
        Accuracy,
        Latency,
        LayerCost,
        Measurement,
        Memory,
        save_measurement,
    )
    from pipeline.measure.energy import Energy
    from pipeline.measure.scores import Scores
    from pipeline.run import Run, write_atomically, write_json
    from pipeline.steps import artifacts

    b = Build()
    x = b.input(T((1, 4), scale=0.5, zero=3, name="input"))
    w = b.tensor(T((3, 4), data=np.ones((3, 4)), scale=0.1))
    b.outputs = b.op(
        "FULLY_CONNECTED", [x, w, -1], [T((1, 3), scale=0.5, zero=3, name="dense/BiasAdd")],
        "FullyConnectedOptions", 2, fusedActivationFunction=1,
    )  # fmt: skip
    flat = FlatModel("m", b.bytes())
    board = load_board("disco_f407vg")
    program = generate(read_graph(flat), board, "balanced", None)
    run = Run(folder)
    elf = folder / "firmware.elf"

    def make(_: Path) -> None:
        write_atomically(folder / "model.tflite", flat.content)
        facts = {"name": "m", "source": "keras2-h5", "method": "magnitude:0.5", "check": 1e-7}
        more = {"float_accuracy": 0.9, "pruned_accuracy": 0.8, "quantized_accuracy": 0.85}
        notes = {"notes": ["a note"], "quantize_notes": ["another"], "input_dtype": "float32"}
        counts = {"float32_bytes": 48, "neurons_removed": 2}
        write_json(folder / "model.json", {**facts, **more, **notes, **counts})

    run.step("quantize", "k", ("model.tflite", "model.json"), make, lambda _: None)

    def built(_: Path) -> None:
        ini = "[platformio]\n[env:disco_f407vg]\n"
        write_atomically(folder / "project" / "platformio.ini", ini)
        document = {
            "board": board.id, "engine": "aot", "mlperf": "", "name": "m", "optimize": "balanced",
            "ram_limit": None, "arena_bytes": program.arena_bytes,
            "passes": [asdict(done) for done in program.passes],
            "layers": [asdict(layer) for layer in program.layers],
        }  # fmt: skip
        write_json(folder / "program.json", document)
        write_atomically(elf, b"\x7fELF and so on")
        sizes = {".text": 900, ".data": 8}
        image = Image(elf, board.id, 1000, 900, 100, 2000, 64, sizes, {"main": 4},
                      {"compiler": "gcc 12.2.1"}, {"model": 100, "kernels": 800})  # fmt: skip
        write_json(folder / "image.json", artifacts.image_json(image))
        write_json(folder / "device.json", artifacts.device_json(Device("qemu", board.id, elf)))

    outputs = ("project", "program.json", "firmware.elf", "image.json", "device.json")
    run.step("render", "k", outputs, built, lambda _: None)
    scores = Scores(top1=0.5, confusion=((1, 0), (1, 0)))
    measurement = Measurement(
        latency=Latency(2, "cycles", 10, 11, 12, 0.5, 12, 168e6),
        accuracy=Accuracy(2, 0.5, 0.5, 1, "tflite-micro 0", (1,), "classification", 2, scores,
                          scores, 1, 0.5),
        memory=Memory(100, 4096),
        layers=(LayerCost(0, 7),),
        outputs=np.array([[1, -2, 5], [3, 4, 5]], np.int8),
        firmware={"engine": "aot", "arena_bytes": "64"},
        link={"requests": 2},
        data={"name": "d.npz", "sha256": "a" * 64},
        energy=Energy("trace.csv", 1e-6, 2, 0.5, 0.01, 3.3, 100),
    )  # fmt: skip
    save = lambda to: save_measurement(measurement, to)  # noqa: E731
    run.step("measure", "k", ("measurement.json", "outputs.npy"), save, lambda _: None)
    steps.report(run)
    run.finish()
    cells = {"cell": {"key": "k", "error": None, "seconds": 1.0}}
    write_json(folder / "bench.json", {"finished": False, "cells": cells})
