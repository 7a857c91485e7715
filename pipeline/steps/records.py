"""model.json and program.json: what is known of a model's making, and of its code, as documents."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pipeline.codegen.program import Layer, Pass

# As `pipeline.load.names.identifier` makes them: it reaches C, platformio.ini and file names.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_DTYPE = re.compile(r"(u?int|float)(8|16|32|64)")


@dataclass(frozen=True)
class ModelRecord:
    """model.json.

    Attributes:
        name: the model's name, a C identifier.
        source: the model file's format ("tflite", "keras2-h5", ...).
        method: the recipe it was pruned by; "none".
        float32_bytes: 4 for each parameter before compression.
        neurons_removed, float_accuracy, pruned_accuracy, quantized_accuracy, notes: see
            `pipeline.load.Compression`; accuracies are None where there are no labels.
        check: largest difference between the rebuilt network and the file's own.
        input_dtype: of the samples the network takes.
        input_range: what they lie between, where the network tells: lowest and highest.
        quantized_samples: how many `quantized_accuracy` was found by.
        quantize_notes: what a person should know of the conversion.
    """

    name: str
    source: str
    method: str
    float32_bytes: int
    neurons_removed: int = 0
    float_accuracy: float | None = None
    pruned_accuracy: float | None = None
    quantized_accuracy: float | None = None
    check: float | None = None
    input_dtype: str | None = None
    input_range: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    quantized_samples: int | None = None
    notes: tuple[str, ...] = ()
    quantize_notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_name(self.name)
        if self.input_dtype is not None and not _DTYPE.fullmatch(self.input_dtype):
            raise ValueError(f"{self.input_dtype[:40]!r} is no type of an input")
        if self.float32_bytes < 0 or self.neurons_removed < 0:
            raise ValueError("a count is below 0")


@dataclass(frozen=True)
class ProgramRecord:
    """program.json: the layers as generated, and what they were generated for."""

    board: str
    engine: Literal["aot", "tflm"]
    name: str
    optimize: str
    arena_bytes: int
    layers: tuple[Layer, ...]
    mlperf: str = ""
    ram_limit: int | str | None = None
    passes: tuple[Pass, ...] = ()

    def __post_init__(self) -> None:
        _require_name(self.name)
        if self.arena_bytes < 0 or any(
            min(layer.index, layer.macs, layer.weight_bytes) < 0 for layer in self.layers
        ):
            raise ValueError("a count is below 0")


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no name of a model")
