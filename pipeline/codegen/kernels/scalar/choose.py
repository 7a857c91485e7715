"""Kernels for cores without SIMD: Cortex-M3, Cortex-M0 and M0+, RV32IM."""

from __future__ import annotations

from pipeline.codegen.kernels.kernel import Kernel
from pipeline.codegen.kernels.scalar.add import Add
from pipeline.codegen.kernels.scalar.conv import TILES, Dense
from pipeline.codegen.kernels.scalar.depthwise import Depthwise

_DENSE: list[Kernel] = [Dense(tile) for tile in TILES]

KERNELS: dict[str, list[Kernel]] = {
    "ADD": [Add()],
    "CONV_2D": _DENSE,
    "DEPTHWISE_CONV_2D": [Depthwise()],
    "FULLY_CONNECTED": _DENSE,
    "SUB": [Add()],
}
"""Operator -> further candidates beside the portable kernel."""
