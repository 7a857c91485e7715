"""The portable kernels: one for each operator, the one that the operator's module brings."""

from __future__ import annotations

from pipeline.codegen.kernels.kernel import Kernel
from pipeline.codegen.ops import operators

KERNELS: dict[str, list[Kernel]] = {name: op.kernels for name, op in operators().items()}
"""Operator -> its portable kernel."""
