"""Report: the document a run ends in. Its JSON form is set by report.schema.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import StepFailed, WrongUse
from pipeline.run import Damaged, check_limits, parse_json, read_json, write_json

SCHEMA = 2
SCHEMA_FILE = Path(__file__).with_name("report.schema.json")


@dataclass(frozen=True)
class ModelFacts:
    """The model as converted. `sha256` is of the .tflite."""

    name: str
    sha256: str
    macs: int
    parameters: int


@dataclass(frozen=True)
class BoardFacts:
    """The board it ran on; clock in Hz."""

    id: str
    mcu: str
    core: str
    clock_hz: int


@dataclass(frozen=True)
class CompressionFacts:
    """What compression did; accuracies are shares 0..1, None where not measured."""

    method: str
    sparsity: float
    neurons_removed: int
    float_accuracy: float | None
    pruned_accuracy: float | None
    quantized_accuracy: float | None
    float32_bytes: int
    flash_model_bytes: int
    ratio: float


@dataclass(frozen=True)
class MemoryFacts:
    """Flash and RAM in bytes, from the linked ELF and the running firmware.

    `parts` is flash by part; `engine_bytes` those of code and model without monitor, port and C
    library, None where that is not known; `heap` names functions of a heap that are linked in;
    `arena_used_bytes` is what the running engine says it takes of the arena.
    """

    flash_bytes: int
    flash_code_bytes: int
    flash_model_bytes: int
    flash_limit: int
    ram_bytes: int
    arena_bytes: int
    stack_peak_bytes: int
    ram_limit: int
    sections: dict[str, int] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    engine_bytes: int | None = None
    heap: tuple[str, ...] = ()
    arena_used_bytes: int | None = None


@dataclass(frozen=True)
class LatencyFacts:
    """Cost of one inference; `seconds` and the measured `clock_hz` are None on an emulator."""

    inferences: int
    unit: Literal["cycles", "instructions"]
    min: int
    median: int
    max: int
    seconds: float | None
    p95: int | None = None
    clock_hz: float | None = None


@dataclass(frozen=True)
class ScoreFacts:
    """How good the answers of one side are; see pipeline.measure.scores.Scores."""

    top1: float | None = None
    top_k: float | None = None
    auc: float | None = None
    mae: float | None = None
    rmse: float | None = None
    r2: float | None = None
    confusion: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class RulingFacts:
    """An op of the model file that TFLite Micro was not the reference for, and why."""

    op: int
    name: str
    layer: str
    reference: str
    why: str


@dataclass(frozen=True)
class AccuracyFacts:
    """Device against host; `identical_outputs` counts samples equal bit for bit.

    `different` are indices of samples that differ, the first 100; the largest difference is in
    steps of the quantised output, in real values, and for float outputs in units in the last
    place. `verdict` says what the comparison came to, `alarm` what is wrong ("" for nothing).
    """

    samples: int
    device: float | None
    host: float | None
    identical_outputs: int | None
    reference: str
    task: str = "none"
    k: int | None = None
    on_device: ScoreFacts | None = None
    on_host: ScoreFacts | None = None
    different: tuple[int, ...] = ()
    largest_steps: int | None = None
    largest_difference: float | None = None
    largest_ulps: float | None = None
    reference_reason: str = ""
    rulings: tuple[RulingFacts, ...] = ()
    verdict: str = "none"
    alarm: str = ""
    alarm_layer: str = ""


@dataclass(frozen=True)
class DataFacts:
    """The samples; `sha256` is of inputs and labels as used, None where it was not kept."""

    name: str = ""
    sha256: str | None = None


@dataclass(frozen=True)
class EnergyFacts:
    """Energy of one inference in joules, and the window of the trace it was integrated over."""

    source: str
    joules: float
    inferences: int
    seconds: float
    amperes: float
    volts: float
    samples: int


@dataclass(frozen=True)
class BeforeFacts:
    """A layer of the unpruned network on the same board: compiled, and its cost expected.

    `cost_now` is what is expected of the layer now, in the same way: the one figure to hold
    `cost` against. None in an older report.
    """

    kernel: str
    encoding: str
    weight_bytes: int
    cost: int
    cost_now: int | None = None


@dataclass(frozen=True)
class LayerFacts:
    """One layer on the chip; `share` is its part of the cost of all layers.

    `before` is None where nothing was pruned, and where no layer of the unpruned network is this
    one.
    """

    index: int
    op: str
    name: str
    macs: int
    cost: int
    share: float
    kernel: str
    encoding: str
    weight_bytes: int
    before: BeforeFacts | None = None


@dataclass(frozen=True)
class Report:
    """All of it. `to_json` and `from_json` keep to the schema."""

    schema: int
    model: ModelFacts
    board: BoardFacts
    on: Literal["probe", "serial", "qemu", "renode"]
    engine: Literal["aot", "tflm"]
    compression: CompressionFacts
    memory: MemoryFacts
    latency: LatencyFacts
    accuracy: AccuracyFacts
    layers: tuple[LayerFacts, ...]
    environment: dict[str, str | float | None]
    artifacts: dict[str, str]
    data: DataFacts = DataFacts()
    energy: EnergyFacts | None = None

    def to_json(self) -> dict[str, Any]:
        """The document, valid by the schema.

        Raises:
            StepFailed: a figure is outside what the schema allows, which is a bug of ours.
        """
        document = asdict(self)
        # Tuples become lists; a figure that could not be had (NaN) is none.
        plain: dict[str, Any] = json.loads(json.dumps(document), parse_constant=lambda _: None)
        _check(plain)
        return plain

    def write(self, path: Path) -> None:
        """Writes report.json atomically."""
        write_json(path, self.to_json())

    def with_artifacts(self, artifacts: dict[str, str]) -> Report:
        """The same report with the sums of the run's files."""
        return replace(self, artifacts=artifacts)


def read_report(path: Path) -> Report:
    """Reads a report.json.

    Raises:
        WrongUse: the file is missing, no JSON, or not by the schema.
    """
    try:
        document = read_json(path, follow=True)
    except (OSError, Damaged, WrongUse) as error:
        raise _no_report(error, str(path)) from error
    return report_of(document, str(path))


def report_from_text(text: str, where: str) -> Report:
    """A report from the text of its JSON document; see `report_of`."""
    try:
        document = parse_json(text)
    except Damaged as error:
        raise _no_report(error, where) from error
    return report_of(document, where)


def report_of(document: Any, where: str) -> Report:
    """A report from its JSON document.

    One of schema 1 is taken too; what it did not hold is then unknown.

    Args:
        where: the file or place it comes from, for the message.

    Raises:
        WrongUse: it breaks the schema.
    """
    try:
        document = upgraded(document)
        _check(document)
        check_limits(document)
    except (StepFailed, Damaged) as error:
        raise _no_report(error, where) from error
    energy = document["energy"]
    return Report(
        schema=SCHEMA,
        model=ModelFacts(**document["model"]),
        board=BoardFacts(**document["board"]),
        on=document["on"],
        engine=document["engine"],
        compression=CompressionFacts(**document["compression"]),
        memory=MemoryFacts(**{**document["memory"], "heap": tuple(document["memory"]["heap"])}),
        latency=LatencyFacts(**document["latency"]),
        accuracy=_accuracy(document["accuracy"]),
        layers=tuple(map(_layer, document["layers"])),
        environment=document["environment"],
        artifacts=document["artifacts"],
        data=DataFacts(**document["data"]),
        energy=None if energy is None else EnergyFacts(**energy),
    )


def _layer(document: dict[str, Any]) -> LayerFacts:
    before = document["before"]
    return LayerFacts(**{**document, "before": before and BeforeFacts(**before)})


def _accuracy(document: dict[str, Any]) -> AccuracyFacts:
    def scores(side: dict[str, Any] | None) -> ScoreFacts | None:
        if side is None:
            return None
        return ScoreFacts(**{**side, "confusion": tuple(map(tuple, side["confusion"]))})

    return AccuracyFacts(
        **{
            **document,
            "different": tuple(document["different"]),
            "rulings": tuple(RulingFacts(**r) for r in document.get("rulings", ())),
            "on_device": scores(document["on_device"]),
            "on_host": scores(document["on_host"]),
        }
    )


def upgraded(document: Any) -> Any:
    """A document of schema 1, or of an earlier form of this one, with what it lacks unknown."""
    if not isinstance(document, dict):
        return document
    if document.get("schema") == SCHEMA:
        return _completed(document)
    if document.get("schema") != 1:
        return document
    try:
        accuracy = document["accuracy"]
        known = accuracy["device"] is not None
        return {
            **document,
            "schema": SCHEMA,
            "memory": {**_UNKNOWN_MEMORY, **document["memory"]},
            "latency": {"p95": None, "clock_hz": None, **document["latency"]},
            "accuracy": {
                **asdict(AccuracyFacts(0, None, None, None, "")),
                "different": [],
                "rulings": [],
                "task": "classification" if known else "none",
                **accuracy,
            },
            "data": asdict(DataFacts()),
            "energy": None,
            "layers": [{"before": None, **layer} for layer in document["layers"]],
        }
    except (KeyError, TypeError):
        return document  # the schema says what is wrong with it


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    """What reports of this schema did not hold at first."""
    accuracy, layers = document.get("accuracy"), document.get("layers")
    if not isinstance(accuracy, dict) or not isinstance(layers, list):
        return document  # the schema says what is wrong with it

    def layer(found: Any) -> Any:
        before = found.get("before") if isinstance(found, dict) else None
        if not isinstance(before, dict):
            return found
        return {**found, "before": {"cost_now": None, **before}}

    return {
        **document,
        "accuracy": {**_UNKNOWN_ANSWERS, **accuracy},
        "layers": [layer(found) for found in layers],
    }


_UNKNOWN_ANSWERS: dict[str, Any] = {
    "largest_ulps": None,
    "reference_reason": "",
    "rulings": [],
    "verdict": "none",
    "alarm": "",
    "alarm_layer": "",
}

_UNKNOWN_MEMORY: dict[str, Any] = {
    "sections": {},
    "parts": {},
    "engine_bytes": None,
    "heap": [],
    "arena_used_bytes": None,
}


def _no_report(error: Exception, where: str) -> WrongUse:
    return WrongUse(f"no valid report: {error}", where=where, hint="make one with mcu deploy")


@cache
def _validator() -> Any:
    import fastjsonschema

    return fastjsonschema.compile(json.loads(SCHEMA_FILE.read_text()))


def _check(document: dict[str, Any]) -> None:
    import fastjsonschema

    try:
        _validator()(document)
    except fastjsonschema.JsonSchemaException as error:
        raise StepFailed(f"the report breaks its schema: {error}", where="report.json") from error
