"""What the engine runs: the operators, with the kernels of all sets."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from pipeline.codegen.kernels import offered, sets
from pipeline.codegen.kernels.kernel import Kernel, Support
from pipeline.codegen.ops import operators


@lru_cache(maxsize=1)
def registry() -> dict[str, Support]:
    """TFLite's builtin name -> how the engine supports it, by name."""
    kernels: dict[str, list[Kernel]] = {name: [] for name in operators()}
    for name in sets():
        for op, candidates in offered(name).items():
            kernels[op] += candidates
    return {
        name: replace(support, kernels=kernels[name])
        for name, support in sorted(operators().items())
    }


def supported_ops() -> tuple[Support, ...]:
    """What the engine runs, by name: for listings."""
    return tuple(registry().values())
