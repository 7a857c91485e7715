"""A measurement is the same after it was written and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import StepFailed
from pipeline.measure import (
    Accuracy,
    Latency,
    LayerCost,
    Measurement,
    Memory,
    load_measurement,
    save_measurement,
)

FOUND = Measurement(
    latency=Latency(2, "cycles", 10, 11, 12, 0.5),
    accuracy=Accuracy(2, 0.5, None, 1, "tflite-micro 0", (1,)),
    memory=Memory(100, 4096),
    layers=(LayerCost(0, 7), LayerCost(1, 4)),
    outputs=np.array([[1, -2], [3, 4]], np.int8),
    firmware={"engine": "aot"},
    link={"requests": 2},
)


def test_round_trip(tmp_path: Path) -> None:
    save_measurement(FOUND, tmp_path)
    found = load_measurement(tmp_path)
    assert np.array_equal(found.outputs, FOUND.outputs)
    assert found.outputs.dtype == np.int8
    # Arrays aside: from Python 3.13 on dataclasses compare them too, and can't.
    plain = {name: value for name, value in vars(found).items() if name != "outputs"}
    assert plain == {name: getattr(FOUND, name) for name in plain}


def test_the_same_measurement_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save_measurement(FOUND, tmp_path / folder)
    for name in ("measurement.json", "outputs.npy"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "measurement.json",
        "outputs.npy",
    ]


@pytest.mark.parametrize("text", [None, "{", "{}", '{"latency": {}}', "[]"])
def test_what_is_no_measurement_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "measurement.json").write_text(text)
    with pytest.raises(StepFailed, match="can't be read as a measurement"):
        load_measurement(tmp_path)
