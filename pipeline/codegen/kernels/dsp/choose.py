"""Kernels for cores with the DSP extension: Cortex-M4, M7, M33 and above."""

from __future__ import annotations

from pipeline.codegen.kernels.dsp import average_pool, max_pool
from pipeline.codegen.kernels.dsp.add import Add
from pipeline.codegen.kernels.dsp.clamp import Clamped
from pipeline.codegen.kernels.dsp.conv import Conv2d
from pipeline.codegen.kernels.dsp.dense import Dense4
from pipeline.codegen.kernels.dsp.depthwise import Depthwise
from pipeline.codegen.kernels.dsp.depthwise_3x3 import Depthwise3x3
from pipeline.codegen.kernels.dsp.depthwise_pairs import DepthwisePairs
from pipeline.codegen.kernels.dsp.fully_connected import FullyConnected
from pipeline.codegen.kernels.dsp.winograd import VARIANTS as WINOGRAD
from pipeline.codegen.kernels.dsp.winograd4 import VARIANTS as WINOGRAD4
from pipeline.codegen.kernels.kernel import Kernel

_MATRIX: dict[str, list[Kernel]] = {
    "CONV_2D": [Conv2d(), *WINOGRAD, *WINOGRAD4],
    "DEPTHWISE_CONV_2D": [
        *(Depthwise3x3(slow, packed) for packed in (False, True) for slow in (False, True)),
        Depthwise(),
        DepthwisePairs(),
    ],
    "FULLY_CONNECTED": [Dense4(True), Dense4(False), FullyConnected()],
}

KERNELS: dict[str, list[Kernel]] = {
    "ADD": [Add()],
    "SUB": [Add()],
    "AVERAGE_POOL_2D": [average_pool.KERNEL],
    "MAX_POOL_2D": [max_pool.KERNEL],
    **{name: [Clamped(kernel) for kernel in kernels] for name, kernels in _MATRIX.items()},
}
"""Operator -> further candidates beside the portable kernel."""
