"""The engine tflm on the emulated board, with the real library where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import deploy
from pipeline.errors import DeviceError

LIBRARY = os.environ.get("MCU_TFLM", "")
pytestmark = [
    pytest.mark.qemu,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not LIBRARY, reason="MCU_TFLM names no TensorFlow Lite Micro library"),
]


def test_both_engines_answer_the_same(shared: Path, tmp_path: Path) -> None:
    reports = {}
    for engine in ("aot", "tflm"):
        done = deploy(
            shared / "models/kws_ref_int8.tflite", board="disco_f407vg", samples=5,
            data=shared / "data/kws01.npz", engine=engine, out=tmp_path / engine,
        )  # fmt: skip
        assert done.report is not None
        reports[engine] = done.report
        assert done.report.accuracy.identical_outputs == 5
    aot, tflm = reports["aot"], reports["tflm"]
    assert tflm.engine == "tflm"
    assert aot.latency.median < tflm.latency.median
    assert aot.memory.flash_bytes < tflm.memory.flash_bytes
    assert 20_000 < tflm.memory.arena_bytes < 30_000, "sized by measuring"


def test_tflm_says_why_it_fails(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    model = shared / "models/ad01_int8.tflite"
    deploy(model, board="disco_f407vg", engine="tflm", until="render", out=folder)
    header = folder / "project/src/network/tflm_model.h"
    text = header.read_text()
    start = text.index("#define TFLM_ARENA_BYTES")
    header.write_text(
        text[:start] + "#define TFLM_ARENA_BYTES 512" + text[text.index("\n", start) :]
    )
    from pipeline import artifacts, stages
    from pipeline.run import Run

    run = Run(folder)
    image = stages.build(run, artifacts.project_of(run))
    with pytest.raises(DeviceError) as caught:
        device = stages.flash(run, image, on="qemu")
        stages.measure(run, device, artifacts.DataOptions("random", samples=1))
    assert "arena" in str(caught.value).lower() or "memory" in str(caught.value).lower()
