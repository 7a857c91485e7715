"""The operators: one module per operator or family.

A module offers `SUPPORT`, a tuple of `Support`: what of an operator is accepted, and its
portable kernel. To add an operator: write the module, name it in `_MODULES`, put its kernel
into firmware/runtime/portable and into `FILES` of kernels/portable, add a case to the oracle
test. Kernels of other sets are in pipeline.codegen.kernels.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from pipeline.codegen.kernels.kernel import Support
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


@lru_cache(maxsize=1)
def operators() -> dict[str, Support]:
    """TFLite's builtin name -> what of it is supported, with its portable kernel alone."""
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
    return found
