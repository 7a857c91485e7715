"""Mutants of .tflite files, through all that a foreign file goes through on this machine.

Seeds are models of every operator, as the tests against TFLite Micro draw them. A mutant is
read, measured, simplified and compiled to C for a core that its bytes choose; one in a few
hundred goes through the reference interpreters too, in the child process that keeps them.
"""

from __future__ import annotations

import random
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from pipeline.codegen import Target, compile_graph
from pipeline.codegen.registry import registry
from pipeline.convert import macs, parameters, read_graph, total_macs, zero_share
from pipeline.load.flatmodel import FlatModel

from .flatbuffer import Map, mutate, read_map

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))
from float_cases import FLOATS
from op_cases import STRATEGIES, WIDE

_EACH = 5
_LARGEST = 60_000
_SEEDS = Path(__file__).parent / "seeds" / "tflite"

TARGETS = (
    Target(),
    Target("cortex-m0plus"),
    Target("cortex-m4", frozenset({"dsp", "fpu"})),
    Target("cortex-m55", frozenset({"dsp", "fpu", "mve"})),
    Target("rv32imc"),
    Target("avr"),
)


def _drawn(strategy: Any) -> list[bytes]:
    found: list[bytes] = []

    @settings(
        max_examples=_EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(model: bytes) -> None:
        found.append(model)

    collect()
    return found


@cache
def seeds() -> tuple[Map, ...]:
    """Valid models, and files that were found to break something."""
    registry()
    models = [
        model
        for strategies in (STRATEGIES, WIDE, FLOATS)
        for name in sorted(strategies)
        for model in _drawn(strategies[name])
    ]
    kept = [model for model in dict.fromkeys(models) if len(model) <= _LARGEST]
    return tuple(read_map(model) for model in kept)


def make_case(rng: random.Random) -> bytes:
    """A mutant of a .tflite file."""
    found = seeds()
    return mutate(rng.choice(found), rng.choice(found), rng)


def try_case(case: bytes) -> None:
    """All that reads a .tflite file and needs no board."""
    chance = zlib.crc32(case)
    graph = read_graph(FlatModel("mutant", case))
    total_macs(graph), parameters(graph), zero_share(graph)
    for op in graph.ops:
        macs(graph, op)
    target = TARGETS[chance % len(TARGETS)]
    goal = ("balanced", "speed", "size")[chance // 8 % 3]
    compile_graph(graph, target, goal)  # type: ignore[arg-type]
