"""Kernels for cores with the DSP extension: Cortex-M4, M7, M33 and above."""

from __future__ import annotations

from pipeline.codegen.kernel import Kernel
from pipeline.codegen.kernels_dsp_conv import Conv2d, FullyConnected

KERNELS: dict[str, list[Kernel]] = {
    "CONV_2D": [Conv2d()],
    "FULLY_CONNECTED": [FullyConnected()],
}
"""Operator -> further candidates beside the portable kernel."""
