"""Kernels for cores with Helium, the M-profile vector extension: Cortex-M55, M85."""

from __future__ import annotations

from pipeline.codegen.kernel import Kernel
from pipeline.codegen.kernels_mve_add import Add
from pipeline.codegen.kernels_mve_conv import Conv2d, FullyConnected
from pipeline.codegen.kernels_mve_depthwise import Depthwise
from pipeline.codegen.kernels_mve_pool import AveragePool

KERNELS: dict[str, list[Kernel]] = {
    "ADD": [Add()],
    "SUB": [Add()],
    "AVERAGE_POOL_2D": [AveragePool()],
    "CONV_2D": [Conv2d()],
    "DEPTHWISE_CONV_2D": [Depthwise()],
    "FULLY_CONNECTED": [FullyConnected()],
}
"""Operator -> further candidates beside the portable kernel."""
