"""MLPerf Tiny's evaluation sets, and the files of a submission."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from monitor_chip import chip

from pipeline.errors import DataError
from pipeline.measure import Link
from pipeline.measure.mlperf import BENCHMARKS, Performance, Quality, area
from pipeline.measure.mlperf_set import load_set, set_accuracy
from pipeline.measure.submission import (
    Logged,
    accuracy_lines,
    best_split,
    performance_lines,
    write_submission,
)

NOW = datetime(2026, 3, 4, 5, 6, 7)
KWS, AD, IC = BENCHMARKS["kws01"], BENCHMARKS["ad01"], BENCHMARKS["ic01"]


def folder(path: Path, files: dict[str, bytes], truth: str) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_bytes(content)
    (path / "y_labels.csv").write_text(truth)
    return path


def test_a_folder_as_mlcommons_has_it(tmp_path: Path) -> None:
    files = {"stop.bin": bytes(range(245)) * 2, "left.bin": b"\x80" * 490}
    data = load_set(folder(tmp_path / "kws01", files, "stop.bin,12,7\nleft.bin,12,2\n"), KWS)
    assert data.labels.tolist() == [7, 2]
    assert [part.shape for part in data.inputs] == [(1, 490), (1, 490)]
    assert data.inputs[1][0].tolist() == [-128] * 490
    assert len(load_set(tmp_path / "kws01", KWS, 1)) == 1


def test_a_file_of_ad01_holds_overlapping_inputs(tmp_path: Path) -> None:
    numbers = np.arange(640 + 2 * 128, dtype="<f4")
    data = load_set(
        folder(tmp_path / "ad01", {"a.bin": numbers.tobytes()}, "a.bin,2,1,2560,512\n"), AD
    )
    assert data.inputs[0].shape == (3, 640)
    assert data.inputs[0][:, 0].tolist() == [0, 128, 256]


def test_arrays_will_do(tmp_path: Path) -> None:
    np.savez(tmp_path / "ic.npz", x=np.zeros((3, 32, 32, 3), np.uint8), y=np.array([0, 1, 2]))
    assert [part.shape for part in load_set(tmp_path / "ic.npz", IC).inputs] == [(1, 3072)] * 3
    np.savez(tmp_path / "ad.npz", x=np.zeros((3, 4, 640), np.float32), y=np.array([0, 1, 1]))
    assert load_set(tmp_path / "ad.npz", AD).inputs[0].shape == (4, 640)


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (np.zeros((2, 490), np.int8), np.zeros(3, int), "2 samples need as many"),
        (np.zeros((2, 490), np.int8), np.zeros(2), "need as many class indices"),
        (np.zeros((0, 490), np.int8), np.zeros(0, int), "holds no samples"),
        (np.zeros((2, 490), np.float32), np.zeros(2, int), "takes int8, not float32"),
        (np.zeros((2, 100), np.int8), np.zeros(2, int), "has 490 numbers, not 100"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, x, y, says: str) -> None:
    np.savez(tmp_path / "d.npz", x=x, y=y)
    with pytest.raises(DataError, match=says):
        load_set(tmp_path / "d.npz", KWS)


def test_what_is_no_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty").mkdir()
    short = folder(tmp_path / "short", {"a.bin": b"abc"}, "a.bin,12,7\n")
    gone = folder(tmp_path / "gone", {}, "a.bin,12,7\n")
    for path in (tmp_path / "text.npz", tmp_path / "empty", short, gone):
        with pytest.raises(DataError):
            load_set(path, KWS)


def test_the_results_of_a_file_are_averaged(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (3, 2, 490), dtype=np.int8)
    np.savez(tmp_path / "d.npz", x=x, y=np.array([0, 1, 2]))
    data = load_set(tmp_path / "d.npz", KWS)
    with chip('MONITOR_MODEL_ID="kws01"', "MONITOR_DB_BYTES=490", HOST_CLOCK="virtual") as port:
        monitor = Logged(Link(port))
        monitor.settle()
        found = set_accuracy(monitor, KWS, data)
        log = monitor.taken()
        monitor.load(x[0, 0].tobytes())
        _, first = monitor.infer()
        monitor.load(x[0, 1].tobytes())
        _, second = monitor.infer()
    assert found.results.shape == (3, 12)
    assert found.results[0] == pytest.approx((np.array(first) + np.array(second)) / 2)
    assert sum(line.startswith("> infer 1 0%") for line in log) == 6
    assert log[-1] == "m-ready"


def test_lines_of_the_performance_mode() -> None:
    lines = performance_lines(Performance((30,) * 5, (10.5, 12.0, 15.0, 11.0, 12.0)), NOW)
    assert lines[:5] == [
        "Performance results for window 1",
        "    # Inferences : 30",
        "    Runtime: 10.5 sec.",
        f"    Throughput: {30 / 10.5} inf./sec.",
        "    Runtime requirements have been met.",
    ]
    assert lines[-2] == "0304.050607 ulp-mlperf: Median throughput is      2.500 inf./sec."
    # what MLCommons' own tools look for
    assert re.match(r".* Median throughput is +([\d.]+) inf\./sec\.", lines[-2])


def test_short_windows_have_no_median() -> None:
    lines = performance_lines(Performance((3,) * 5, (10.5, 9.9, 15.0, 11.0, 12.0)), NOW)
    assert "ERROR 2" in lines[-1]
    assert not any("Median" in line for line in lines)


def test_lines_of_the_accuracy_mode() -> None:
    labels = np.array([0, 1])
    lines = accuracy_lines(Quality(np.eye(2), 0.9017, 0.98765), labels, NOW)
    assert lines == ["0304.050607 ulp-mlperf: Top 1% = 90.2", "0304.050607 ulp-mlperf: AUC = 0.988"]
    assert "not defined" in accuracy_lines(Quality(np.eye(2), 1.0, None), labels, NOW)[1]
    scores = np.array([[1.0], [2.0]])
    assert "= 100.0" in accuracy_lines(Quality(scores, None, 1.0), labels, NOW)[0]


def test_the_best_split_of_anomaly_scores() -> None:
    labels = np.array([0, 0, 1, 1])
    assert best_split(np.array([1.0, 2.0, 3.0, 4.0]), labels) == 1.0
    # above 1.5: precision 2/3 and recall 1; above 2.5: both a half
    assert best_split(np.array([1.0, 3.0, 2.0, 4.0]), labels) == pytest.approx(5 / 6)
    assert best_split(np.ones(4), labels) == 0.0


def test_vectors_are_made_to_sum_to_one_before_the_area() -> None:
    results = np.array([[0.2, 0.2], [0.9, 0.8], [0.0, 0.0]])
    assert area(results, np.array([1, 0, 0])) == 1.0  # 0.5 against 0.47 and 0
    assert area(results[:, :1], np.array([1, 0, 0])) == 0.5


def test_an_earlier_submission_is_replaced(tmp_path: Path) -> None:
    for _ in range(2):
        write_submission(
            tmp_path / "mlperf",
            system="b",
            benchmark=AD,
            description={"Board Name": "B"},
            parts={"accuracy": (["AUC"], ["> name%"])},
            document={"x": 1},
            warning="careful",
        )
    assert (tmp_path / "mlperf/results/b/ad/accuracy/results.txt").read_text() == "careful\nAUC\n"
    assert [p.name for p in tmp_path.iterdir()] == ["mlperf"]
