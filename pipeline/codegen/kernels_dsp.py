"""Kernels for cores with the DSP extension: Cortex-M4, M7, M33 and above."""

from __future__ import annotations

from pipeline.codegen.kernel import Kernel
from pipeline.codegen.kernels_dsp_clamp import Clamped
from pipeline.codegen.kernels_dsp_conv import Conv2d, FullyConnected
from pipeline.codegen.kernels_dsp_dense import Dense4
from pipeline.codegen.kernels_dsp_depthwise import Depthwise, Depthwise3x3
from pipeline.codegen.kernels_dsp_depthwise_pairs import DepthwisePairs
from pipeline.codegen.kernels_dsp_pool import Add, Pool
from pipeline.codegen.kernels_dsp_winograd import VARIANTS as WINOGRAD
from pipeline.codegen.kernels_dsp_winograd4 import VARIANTS as WINOGRAD4

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
    "AVERAGE_POOL_2D": [Pool("average_pool")],
    "MAX_POOL_2D": [Pool("max_pool")],
    **{name: [Clamped(kernel) for kernel in kernels] for name, kernels in _MATRIX.items()},
}
"""Operator -> further candidates beside the portable kernel."""
