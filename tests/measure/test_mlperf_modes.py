"""MLPerf Tiny's modes from our side, against the firmware's monitor."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from monitor_chip import chip, fake_output

from pipeline.errors import DataError, DeviceError
from pipeline.measure import Link, Monitor
from pipeline.measure.mlperf import (
    BENCHMARKS,
    Performance,
    accuracy,
    area_under_curve,
    performance,
    wire_bytes,
)

KWS = BENCHMARKS["kws01"]
SAMPLES = np.random.default_rng(0).integers(-128, 128, (6, 490), dtype=np.int8)


@contextlib.contextmanager
def kws_board(**environment: object) -> Iterator[Monitor]:
    defines = ('MONITOR_MODEL_ID="kws01"', "MONITOR_DB_BYTES=490")
    with chip(*defines, HOST_CLOCK="virtual", **environment) as port:
        monitor = Monitor(Link(port))
        monitor.settle()
        yield monitor


def test_the_macros_are_the_firmwares() -> None:
    assert KWS.defines == {"MONITOR_MODEL_ID": "kws01", "MONITOR_DB_BYTES": 490}
    assert [b.input_bytes for b in BENCHMARKS.values()] == [490, 3072, 27648, 2560]


def test_accuracy_reads_every_result() -> None:
    rows = [struct.unpack("12b", fake_output(sample.tobytes())) for sample in SAMPLES]
    labels = np.array([int(np.argmax(row)) for row in rows])
    labels[0] = (labels[0] + 1) % 12
    with kws_board() as monitor:
        found = accuracy(monitor, KWS, list(SAMPLES), labels)
    assert np.array_equal(found.results, (np.array(rows) + 3) * 0.5)
    assert found.top1 == pytest.approx(5 / 6)
    assert found.auc is None  # not every class has a sample


def test_performance_fills_five_windows() -> None:
    with kws_board(FAKE_TICKS=50_000_000) as monitor:  # 50 ms by the chip's clock
        found = performance(monitor, KWS, list(SAMPLES), least_seconds=1.0)
    assert len(found.seconds) == 5
    assert min(found.seconds) >= 1.0
    assert found.throughput == pytest.approx(20, rel=1e-3)


def test_the_median_window_counts() -> None:
    assert Performance((10, 10, 10), (1.0, 2.0, 5.0)).throughput == 5.0


def test_another_model_is_refused() -> None:
    with chip() as port:
        monitor = Monitor(Link(port))
        monitor.settle()
        with pytest.raises(DeviceError, match="holds 'hash', not 'kws01'"):
            accuracy(monitor, KWS, [SAMPLES[0]], np.zeros(1, np.int64))


def test_samples_are_sent_as_the_benchmark_has_them() -> None:
    pixels = np.arange(-128, 128, dtype=np.int8)
    image = np.resize(pixels, BENCHMARKS["ic01"].elements)
    assert wire_bytes(BENCHMARKS["ic01"], image)[:256] == bytes(range(256))
    assert wire_bytes(BENCHMARKS["ic01"], image.view(np.uint8))[:1] == b"\x80"
    floats = np.linspace(-1, 1, 640)
    assert wire_bytes(BENCHMARKS["ad01"], floats)[:4] == struct.pack("<f", -1.0)
    with pytest.raises(DataError, match="has 490 numbers, not 3"):
        wire_bytes(KWS, np.zeros(3, np.int8))
    with pytest.raises(DataError, match="takes int8, not float32"):
        wire_bytes(KWS, np.zeros(490, np.float32))


@pytest.mark.slow
def test_the_area_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 20, (200, 4)) / 20 + 1e-3
    scores /= scores.sum(1, keepdims=True)
    labels = rng.integers(0, 4, 200)
    expected = metrics.roc_auc_score(labels, scores, multi_class="ovr")
    assert area_under_curve(scores, labels) == pytest.approx(expected)
    binary = (labels > 1).astype(np.int64)
    expected = metrics.roc_auc_score(binary, scores[:, 0])
    assert area_under_curve(scores[:, :1], binary) == pytest.approx(expected)
    assert area_under_curve(scores[:, :1], np.zeros(200, np.int64)) is None
