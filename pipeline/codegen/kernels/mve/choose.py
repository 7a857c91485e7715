"""Kernels for cores with Helium, the M-profile vector extension: Cortex-M55, M85."""

from __future__ import annotations

from pipeline.codegen.kernels.kernel import Kernel
from pipeline.codegen.kernels.mve.add import Add
from pipeline.codegen.kernels.mve.average_pool import AveragePool
from pipeline.codegen.kernels.mve.conv import Conv2d
from pipeline.codegen.kernels.mve.dense import FullyConnected
from pipeline.codegen.kernels.mve.depthwise import Depthwise

KERNELS: dict[str, list[Kernel]] = {
    "ADD": [Add()],
    "SUB": [Add()],
    "AVERAGE_POOL_2D": [AveragePool()],
    "CONV_2D": [Conv2d()],
    "DEPTHWISE_CONV_2D": [Depthwise()],
    "FULLY_CONNECTED": [FullyConnected()],
}
"""Operator -> further candidates beside the portable kernel."""
