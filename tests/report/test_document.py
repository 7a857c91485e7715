"""report.json: the schema is the source of truth."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from pipeline.cli.summary import summary
from pipeline.errors import StepFailed, WrongUse
from pipeline.report.document import (
    SCHEMA,
    SCHEMA_FILE,
    AccuracyFacts,
    BeforeFacts,
    BoardFacts,
    CompressionFacts,
    LatencyFacts,
    LayerFacts,
    MemoryFacts,
    ModelFacts,
    Report,
    read_report,
)


@pytest.fixture
def report() -> Report:
    return Report(
        schema=SCHEMA,
        model=ModelFacts("digits", "a" * 64, 120_000, 9_000),
        board=BoardFacts("disco_f407vg", "STM32F407VGT6", "cortex-m4", 168_000_000),
        on="qemu",
        engine="aot",
        compression=CompressionFacts(
            "magnitude:0.75", 0.75, 0, 0.99, 0.985, 0.98, 36_000, 12_000, 3.0
        ),
        memory=MemoryFacts(40_000, 28_000, 12_000, 1 << 20, 20_000, 8_000, 900, 1 << 17),
        latency=LatencyFacts(359, "instructions", 400_000, 400_010, 400_020, None),
        accuracy=AccuracyFacts(360, 0.98, 0.98, 360, "tflite-micro 0.dev1"),
        layers=(
            LayerFacts(
                0, "CONV_2D", "conv2d", 100_000, 300_000, 0.75, "conv2d_s8", "delta4", 9_216,
                BeforeFacts("conv2d_s8", "dense", 32_768, 500_000, 290_000),
            ),
            LayerFacts(1, "SOFTMAX", "probabilities", 0, 100_000, 0.25, "softmax_s8", "", 0),
        ),
        environment={"compiler": "gcc 12.2.1"},
        artifacts={"model.tflite": "b" * 64},
    )  # fmt: skip


def test_it_survives_a_round_trip(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path / "report.json")
    assert read_report(tmp_path / "report.json") == report


def test_every_field_is_in_the_schema_and_required(report: Report) -> None:
    schema = json.loads(SCHEMA_FILE.read_text())
    document = json.loads(json.dumps(asdict(report)))
    assert set(schema["required"]) == set(document) == set(schema["properties"])
    for name, part in schema["properties"].items():
        if "properties" in part:
            assert set(part["required"]) == set(part["properties"]) == set(document[name])
    layer = schema["properties"]["layers"]["items"]
    assert set(layer["required"]) == set(layer["properties"]) == set(document["layers"][0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"on": "simulator"},
        {"schema": 3},
        {"accuracy": AccuracyFacts(1, 1.5, None, None, "")},
        {"model": ModelFacts("m", "not a sum", 0, 0)},
    ],
)
def test_what_breaks_the_schema_is_not_written(
    report: Report, tmp_path: Path, wrong: dict[str, object]
) -> None:
    with pytest.raises(StepFailed, match="breaks its schema"):
        replace(report, **wrong).write(tmp_path / "report.json")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", '{"schema": 1}', "\xff"])
def test_a_file_that_is_no_report(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(WrongUse, match="no valid report"):
        read_report(path)


def test_the_summary_says_it_in_few_lines(report: Report) -> None:
    lines = summary(report, Path("runs/digits")).splitlines()
    assert len(lines) <= 10
    assert max(len(line) for line in lines) <= 100
    text = "\n".join(lines)
    assert "98.0 % of 360 samples right (host 98.0 %)" in text
    assert "360 identical to tflite-micro" in text
    assert "400,010 instructions per inference" in text
    assert "ms" not in text, "an emulator's time is no latency"
    assert "magnitude:0.75: 75.0 % zeros" in text
    bought = "weights 32.0 KiB -> 9.0 KiB; layers expected 500,000 -> 290,000 instructions"
    assert bought in text


def test_the_summary_of_a_board_has_seconds(report: Report) -> None:
    on_board = replace(report, on="probe", latency=LatencyFacts(10, "cycles", 1, 2, 3, 0.0123))
    assert "12.3 ms" in summary(on_board, Path("r"))


def test_the_summary_without_labels(report: Report) -> None:
    blind = replace(report, accuracy=AccuracyFacts(5, None, None, None, ""))
    assert "5 samples, no labels" in summary(blind, Path("r"))


def test_a_report_from_before_the_verdicts_is_read(report: Report, tmp_path: Path) -> None:
    document = report.to_json()
    for name in ("largest_ulps", "reference_reason", "rulings", "verdict", "alarm", "alarm_layer"):
        del document["accuracy"][name]
    for layer in document["layers"]:
        if layer["before"]:
            del layer["before"]["cost_now"]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(document))
    found = read_report(path)
    assert (found.accuracy.verdict, found.accuracy.rulings) == ("none", ())
    text = summary(found, Path("r"))
    assert "expected" not in text, "an estimate is not held against a measurement"


def test_a_report_of_schema_1_is_read(report: Report, tmp_path: Path) -> None:
    document = report.to_json()
    document["schema"] = 1
    for part, names in (
        ("memory", ("sections", "parts", "engine_bytes", "heap", "arena_used_bytes")),
        ("latency", ("p95", "clock_hz")),
        ("accuracy", ("task", "k", "on_device", "on_host", "different", "largest_steps",
                      "largest_difference")),
    ):  # fmt: skip
        for name in names:
            del document[part][name]
    del document["data"], document["energy"]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(document))
    found = read_report(path)
    assert found.schema == SCHEMA
    assert (found.latency.p95, found.data.sha256, found.memory.engine_bytes) == (None, None, None)
    assert found.accuracy.task == "classification"
    assert found.to_json()["schema"] == SCHEMA
    path.write_text(json.dumps({**document, "memory": None}))
    with pytest.raises(WrongUse, match="no valid report"):
        read_report(path)
