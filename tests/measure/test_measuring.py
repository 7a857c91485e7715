"""measure() with a chip whose answers are known, and with the reference interpreters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from monitor_chip import SocketPort, chip, fake_output

from pipeline.board import load_board
from pipeline.errors import DataError, DeviceError
from pipeline.flash import Device
from pipeline.load import Dataset, FlatModel
from pipeline.measure import measure
from pipeline.measure.reference import Reference

BOARD = load_board("disco_f407vg")
DEVICE = Device("qemu", "disco_f407vg", Path("absent.elf"))


@pytest.fixture(scope="module")
def model(shared: Path) -> FlatModel:
    return FlatModel("ad01", (shared / "models" / "ad01_int8.tflite").read_bytes())


@pytest.fixture
def port(model: FlatModel) -> Iterator[SocketPort]:
    settings = {"FAKE_INPUT_BYTES": 640, "FAKE_OUTPUT_BYTES": 640, "FAKE_SHA256": model.sha256}
    with chip(HOST_CLOCK="virtual", **settings) as opened:
        yield opened


def samples(count: int) -> Dataset:
    x = np.random.default_rng(0).integers(-128, 128, (count, 640), dtype=np.int8)
    return Dataset("random", x, None, True)


def test_what_the_chip_did_is_told(model: FlatModel, port: SocketPort) -> None:
    calls: list[tuple[str, int, int, str]] = []
    data = samples(4)
    found = measure(
        DEVICE,
        BOARD,
        model,
        data,
        port=port,
        progress=lambda step, done, total, note="": calls.append((step, done, total, note)),
    )
    outputs = np.array([np.frombuffer(fake_output(x.tobytes(), 640), np.int8) for x in data.x])
    assert np.array_equal(found.outputs, outputs)
    assert found.latency.unit == "instructions"
    assert (found.latency.minimum, found.latency.median, found.latency.maximum) == (
        1001,
        1002,
        1004,
    )
    assert found.latency.seconds is None
    assert [layer.cost for layer in found.layers] == [100, 200, 300]
    assert found.memory.stack_peak_bytes == 1234
    assert found.accuracy.device is None
    assert found.accuracy.identical_outputs == 0
    assert found.accuracy.different == (0, 1, 2, 3)
    assert found.accuracy.reference.startswith("tflite-micro")
    assert found.firmware["engine"] == "fake"
    assert found.link["timeouts"] == 0
    assert calls[-1][:3] == ("measure", 4, 4)


def test_cycles_and_seconds_on_a_board(model: FlatModel, port: SocketPort) -> None:
    device = Device("serial", "disco_f407vg", Path("absent.elf"), "/dev/ttyX")
    found = measure(device, BOARD, model, samples(5), samples=1, port=port)
    assert found.latency.unit == "cycles"
    assert found.latency.minimum == round(1001 * 0.168)  # 1 ns ticks, a clock of 168 MHz
    assert found.latency.seconds == pytest.approx(1001e-9)


def test_another_model_on_the_board(model: FlatModel) -> None:
    with chip(FAKE_INPUT_BYTES=640) as port, pytest.raises(DeviceError, match="another model"):
        measure(DEVICE, BOARD, model, samples(1), port=port)


def test_an_input_of_another_size(model: FlatModel) -> None:
    with chip(FAKE_SHA256=model.sha256) as port, pytest.raises(DeviceError, match="490 bytes"):
        measure(DEVICE, BOARD, model, samples(1), port=port)


def test_data_is_checked_before_anything_is_started(model: FlatModel) -> None:
    data = Dataset("set.npz", np.zeros((1, 2), np.int8), None, True)
    with pytest.raises(DataError, match=r"set\.npz"):
        measure(DEVICE, BOARD, model, data, port=None)


def test_both_references_agree_with_each_other(shared: Path) -> None:
    model = (shared / "models" / "kws_ref_int8.tflite").read_bytes()
    x = np.load(shared / "data" / "kws01.npz")["x"][:3]
    with Reference(model, x) as reference:
        first = reference.outputs()
        assert reference.name.startswith("tflite-micro ")
    fallback = Reference(model, x)
    with fallback:
        fallback._process.end()
        second = fallback.outputs()
        assert fallback.name.endswith("(BUILTIN_REF)")
    assert first is not None and second is not None
    assert first.shape == (3, 12)
    assert np.array_equal(first.view(np.int8).argmax(1), second.view(np.int8).argmax(1))


def test_where_no_reference_runs_it_says_why() -> None:
    with Reference(b"nonsense", np.zeros((1, 2), np.int8)) as reference:
        assert reference.outputs() is None
        assert reference.name.startswith("none (")
