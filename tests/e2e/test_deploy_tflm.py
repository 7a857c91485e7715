"""The engine tflm on the emulated board, with the real library where there is one."""

from __future__ import annotations

import os
import re
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
    used = tflm.memory.arena_used_bytes
    assert used is not None
    assert 20_000 < used <= tflm.memory.arena_bytes < 1.1 * used, "sized by measuring"
    assert aot.memory.arena_used_bytes == aot.memory.arena_bytes
    assert [layer.op for layer in tflm.layers].count("CONV_2D") == 5
    assert sum(layer.cost for layer in tflm.layers) == pytest.approx(tflm.latency.median, rel=0.02)


@pytest.fixture(scope="module")
def rendered(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder up to the rendered project; its library stays compiled."""
    folder = tmp_path_factory.mktemp("tflm") / "run"
    model = shared / "models/ad01_int8.tflite"
    deploy(model, board="disco_f407vg", engine="tflm", until="render", out=folder)
    return folder


ARENA = r"#define TFLM_ARENA_BYTES \d+"
OTHER_SCHEMA = "#undef TFLITE_SCHEMA_VERSION\n#define TFLITE_SCHEMA_VERSION 99\n#endif\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (ARENA, "#define TFLM_ARENA_BYTES 512", r"(?i)arena|memory|buffers"),
        (r"ok = ok && resolver\.AddFullyConnected.*\n", "\n", "FULLY_CONNECTED"),
        (r"#endif\n$", OTHER_SCHEMA, "another version of the model's schema"),
    ],
    ids=["arena too small", "missing operator", "schema version"],
)
def test_tflm_says_why_it_fails(rendered: Path, old: str, new: str, says: str) -> None:
    from pipeline import steps
    from pipeline.options import DataOptions
    from pipeline.run import Run
    from pipeline.steps import artifacts

    header = rendered / "project/src/network/tflm_model.h"
    text = header.read_text()
    changed = re.sub(old, new, text)
    assert changed != text
    header.write_text(changed)
    try:
        run = Run(rendered)
        image = steps.build(run, artifacts.project_of(run))
        with pytest.raises(DeviceError, match=says):
            device = steps.flash(run, image, on="qemu")
            steps.measure(run, device, DataOptions(data="random", samples=1))
    finally:
        header.write_text(text)
