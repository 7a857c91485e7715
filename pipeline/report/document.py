"""Report: the document a run ends in. Its JSON form is set by report.schema.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import StepFailed, WrongUse
from pipeline.run import write_json

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
    """Flash and RAM in bytes, from the linked ELF and the running firmware."""

    flash_bytes: int
    flash_code_bytes: int
    flash_model_bytes: int
    flash_limit: int
    ram_bytes: int
    arena_bytes: int
    stack_peak_bytes: int
    ram_limit: int


@dataclass(frozen=True)
class LatencyFacts:
    """Cost of one inference; `seconds` is None on an emulator."""

    inferences: int
    unit: Literal["cycles", "instructions"]
    min: int
    median: int
    max: int
    seconds: float | None


@dataclass(frozen=True)
class AccuracyFacts:
    """Device against host; `identical_outputs` counts samples equal bit for bit."""

    samples: int
    device: float | None
    host: float | None
    identical_outputs: int | None
    reference: str


@dataclass(frozen=True)
class LayerFacts:
    """One layer on the chip; `share` is its part of the cost of all layers."""

    index: int
    op: str
    name: str
    macs: int
    cost: int
    share: float
    kernel: str
    encoding: str
    weight_bytes: int


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

    def to_json(self) -> dict[str, Any]:
        """The document, valid by the schema.

        Raises:
            StepFailed: a figure is outside what the schema allows, which is a bug of ours.
        """
        document = asdict(self)
        document["layers"] = list(document["layers"])
        _check(document)
        return document

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
        document = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise _no_report(error, str(path)) from error
    return report_of(document, str(path))


def report_of(document: Any, where: str) -> Report:
    """A report from its JSON document.

    Args:
        where: the file or place it comes from, for the message.

    Raises:
        WrongUse: it breaks the schema.
    """
    try:
        _check(document)
    except StepFailed as error:
        raise _no_report(error, where) from error
    return Report(
        schema=1,
        model=ModelFacts(**document["model"]),
        board=BoardFacts(**document["board"]),
        on=document["on"],
        engine=document["engine"],
        compression=CompressionFacts(**document["compression"]),
        memory=MemoryFacts(**document["memory"]),
        latency=LatencyFacts(**document["latency"]),
        accuracy=AccuracyFacts(**document["accuracy"]),
        layers=tuple(LayerFacts(**layer) for layer in document["layers"]),
        environment=document["environment"],
        artifacts=document["artifacts"],
    )


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
