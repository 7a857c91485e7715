"""The operators: one module per operator or family, one registry.

A module offers `SUPPORT`, a tuple of `Support`. To add an operator: write the module,
name it in `_MODULES`, put its kernel into firmware/runtime, add a case to the oracle test.
Kernels for special cores are in modules of their own; they add candidates by operator.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec

from pipeline.codegen.kernel import Kernel, Support
from pipeline.codegen.ops.floats import beside

_MODULES = (
    "arithmetic",
    "batch_matmul",
    "blocks",
    "compare",
    "conv",
    "fully_connected",
    "gather",
    "lookup",
    "mirror",
    "move",
    "pooling",
    "quantize",
    "recurrent",
    "reduce",
    "resize",
    "select",
    "softmax",
    "sums",
    "transpose_conv",
    "variables",
    "views",
)
_FLOAT_MODULES = ("float_layers", "float_rows", "float_values", "sums")
"""Modules with FLOATS: what operators do with float32, beside integers or alone."""

_KERNEL_SETS = ("kernels_dsp", "kernels_mve", "kernels_scalar", "kernels_sparse")
"""Modules of pipeline.codegen with KERNELS: operator name -> further candidates."""


@lru_cache(maxsize=1)
def registry() -> dict[str, Support]:
    """TFLite's builtin name -> how the engine supports it, by name."""
    found: dict[str, Support] = {}
    for module in _MODULES:
        for support in import_module(f"pipeline.codegen.ops.{module}").SUPPORT:
            if support.name in found:
                raise AssertionError(f"{support.name} is registered twice")
            found[support.name] = support
    for module in _FLOAT_MODULES:
        for real in import_module(f"pipeline.codegen.ops.{module}").FLOATS:
            known = found.get(real.name)
            found[real.name] = beside(known, real) if known else real
    for name in _KERNEL_SETS:
        if find_spec(f"pipeline.codegen.{name}") is None:
            continue
        extra: dict[str, list[Kernel]] = import_module(f"pipeline.codegen.{name}").KERNELS
        for op, kernels in extra.items():
            found[op] = replace(found[op], kernels=[*found[op].kernels, *kernels])
    return dict(sorted(found.items()))


def supported_ops() -> tuple[Support, ...]:
    """What the engine runs, by name: for listings."""
    return tuple(registry().values())
