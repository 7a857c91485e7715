"""What the model becomes on the chip."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.options.option import Group, option

ENGINES = ("aot", "tflm")
OPTIMIZE = ("size", "balanced", "speed")


def _size(limit: int | str) -> None:
    from pipeline.codegen import size_limit

    size_limit(limit)


def _benchmark(text: str) -> None:
    if text:
        from pipeline.measure.mlperf import benchmark_of

        benchmark_of(text)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EngineGroup(Group):
    """The firmware."""

    engine: str = option(
        "aot", "--engine", "-e", help="Inference engine: aot or tflm.", choices=ENGINES
    )
    optimize: str = option(
        "balanced",
        "--optimize",
        help="What the aot engine favours: size, balanced or speed.",
        choices=OPTIMIZE,
    )
    ram_limit: int | str | None = option(
        None,
        "--ram-limit",
        help="What the arena may take: bytes, or such as 20KB.",
        more="Of the aot engine.",
        check=_size,
    )
    tflm: str = option(
        "",
        "--tflm",
        help="TensorFlow Lite Micro for --engine tflm: folder or lib_deps.",
    )
    mlperf: str = option(
        "",
        "--mlperf",
        help="Answer as MLPerf Tiny's kws01, ic01, vww01 or ad01; kws01:energy: its energy mode.",
        check=_benchmark,
    )


@dataclass(frozen=True, kw_only=True)
class EngineOptions(EngineGroup):
    """What the render step is told."""
