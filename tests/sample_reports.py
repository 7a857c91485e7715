"""Reports for tests of all that works on reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.report.document import (
    SCHEMA,
    AccuracyFacts,
    BoardFacts,
    CompressionFacts,
    LatencyFacts,
    LayerFacts,
    MemoryFacts,
    ModelFacts,
    Report,
)

KERNELS = (("CONV_2D", "conv2d_s8_dsp"), ("DEPTHWISE_CONV_2D", "depthwise_s8_dsp"))


def make_report(
    name: str = "kws",
    board: str = "disco_f407vg",
    *,
    cost: int = 3_000_000,
    flash: int = 60_000,
    ram: int = 24_000,
    accuracy: float | None = 0.9,
    identical: int | None = 100,
    layers: int = 8,
    environment: dict[str, Any] | None = None,
    **other: Any,
) -> Report:
    share = 1 / layers
    made = Report(
        schema=SCHEMA,
        model=ModelFacts(name, "a" * 64, 2_660_000, 23_756),
        board=BoardFacts(board, "STM32F407VGT6", "cortex-m4", 168_000_000),
        on="qemu",
        engine="aot",
        compression=CompressionFacts("none", 0.02, 0, None, None, None, 95_024, 30_000, 3.17),
        memory=MemoryFacts(flash, flash - 30_000, 30_000, 1 << 20, ram, 16_000, 900, 1 << 17),
        latency=LatencyFacts(100, "instructions", cost, cost, cost + 10, None),
        accuracy=AccuracyFacts(100, accuracy, accuracy, identical, "tflite-micro 0.dev1"),
        layers=tuple(
            LayerFacts(
                i, KERNELS[i % 2][0], f"layer{i}", 300_000, int(cost * share), share,
                KERNELS[i % 2][1], "dense", 3_000 + 100 * i,
            )
            for i in range(layers)
        ),
        environment={"compiler": "gcc 12.2.1", "optimize": "balanced", **(environment or {})},
        artifacts={"model.tflite": "b" * 64},
    )  # fmt: skip
    return replace(made, **other)
