"""Kernels for cores without SIMD: Cortex-M3, Cortex-M0 and M0+, RV32IM."""

from __future__ import annotations

from pipeline.codegen.kernel import Kernel
from pipeline.codegen.kernels_scalar_conv import TILES, Dense

_DENSE: list[Kernel] = [Dense(tile) for tile in TILES]

KERNELS: dict[str, list[Kernel]] = {
    "CONV_2D": _DENSE,
    "FULLY_CONNECTED": _DENSE,
}
"""Operator -> further candidates beside the portable kernel."""
