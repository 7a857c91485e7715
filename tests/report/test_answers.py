"""What a report says of answers, parts and energy reaches every form of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sample_reports import make_report

from pipeline.cli.summary import summary
from pipeline.report.answers import differences, headline, matrix, rows
from pipeline.report.compare import compare
from pipeline.report.document import (
    AccuracyFacts,
    DataFacts,
    EnergyFacts,
    Report,
    ScoreFacts,
    report_of,
)
from pipeline.report.gates import parse_gates
from pipeline.report.html import page

SCORES = ScoreFacts(top1=0.9, top_k=0.99, confusion=((50, 3), (7, 40)))
CLASSES = AccuracyFacts(
    100, 0.9, 0.91, 97, "tflite-micro 0", "classification", 5, SCORES, SCORES, (3, 8, 9), 2, 0.0078
)
ANOMALIES = AccuracyFacts(
    100, None, None, 100, "tflite-micro 0", "anomaly", None, ScoreFacts(auc=0.87), None
)
VALUES = AccuracyFacts(
    100, None, None, 100, "x", "regression", None, ScoreFacts(mae=0.1, rmse=0.2, r2=0.97)
)


def of(accuracy: AccuracyFacts) -> Report:
    return replace(make_report(), accuracy=accuracy)


def test_rows_are_those_of_the_task() -> None:
    assert [row.name for row in rows(CLASSES)] == ["top-1", "top-5"]
    assert [(row.name, row.device, row.host) for row in rows(ANOMALIES)] == [
        ("area under the ROC curve", "0.87", "-")
    ]
    assert [row.device for row in rows(VALUES)] == ["0.1", "0.2", "0.97"]
    assert matrix(CLASSES) == SCORES.confusion
    assert matrix(VALUES) == ()


def test_the_headline_of_anomalies_is_the_area() -> None:
    assert headline(of(CLASSES)) == 0.9
    assert headline(of(ANOMALIES)) == 0.87
    assert headline(of(VALUES)) is None


def test_samples_that_differ_are_named() -> None:
    said = "3 of 100 samples differ from the host: 3, 8, 9; by at most 2 steps, 0.0078"
    assert differences(CLASSES) == said
    assert differences(ANOMALIES) == ""
    many = replace(CLASSES, identical_outputs=0, different=tuple(range(100)))
    assert "18, 19, ...;" in differences(many)


def test_page_and_summary_show_all_of_it() -> None:
    report = make_report()
    parts = {"model": 30_000, "kernels": 9_000, "monitor": 12_000, "port": 9_000}
    shown = replace(
        report,
        accuracy=CLASSES,
        memory=replace(report.memory, parts=parts, engine_bytes=39_000, sections={".text": 60_000}),
        latency=replace(report.latency, p95=3_000_005, clock_hz=167.9e6),
        energy=EnergyFacts("ppk2", 3.1e-4, 100, 1.8, 0.03, 3.3, 180_000),
        data=DataFacts("kws01.npz", "c" * 64),
    )
    text = page([shown])
    for words in (
        "top-5", "3 of 100 samples differ", "Confusion matrix", "monitor 11.7 KiB", ".text",
        "Engine code and model: 38.1 KiB", "Heap: none", "p95 3,000,005", "167.900 MHz measured",
        "310 µJ", "kws01.npz",
    ):  # fmt: skip
        assert words in text, words
    lines = summary(shown, Path("run"))
    assert "engine and model alone 38.1 KiB" in lines
    assert "310.00 uJ" in lines
    assert "(-0.06 %)" in lines
    assert report_of(shown.to_json(), "x") == shown


def test_other_data_is_a_condition_that_differs() -> None:
    one = replace(make_report(), data=DataFacts("a.npz", "c" * 64))
    two = replace(make_report(), data=DataFacts("a.npz", "d" * 64))
    (condition,) = compare([one], [two]).pairs[0].conditions
    assert condition.name == "data sha256"


def test_the_gate_on_accuracy_judges_the_area_of_anomalies() -> None:
    worse = replace(ANOMALIES, on_device=ScoreFacts(auc=0.85))
    done = compare([of(ANOMALIES)], [of(worse)], parse_gates(max_drop="0.5"))
    assert done.error is not None and "accuracy 87.00 -> 85.00" in str(done.error)
    figures = {figure.name: figure for figure in done.pairs[0].figures}
    assert figures["AUC"].change is not None


def test_figures_of_different_tasks_are_not_compared() -> None:
    figures = {f.name: f for f in compare([of(ANOMALIES)], [of(VALUES)]).pairs[0].figures}
    assert figures["RMSE"].change is None
    assert not figures["AUC"].comparable
