"""The integer arithmetic of TFLite Micro, in Python: what is folded into constants.

Everything here follows TensorFlow Lite's quantization_util, kernel_util and padding: the
same operations in the same precision (float32 here, float64 there), so that constants
come out bit for bit as TFLite Micro computes them at start-up.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.convert.graph import Tensor
from pipeline.errors import ModelError

INT_RANGE = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}

ACTIVATION_NONE = 0
ACTIVATION_RELU = 1
ACTIVATION_RELU_N1_TO_1 = 2
ACTIVATION_RELU6 = 3
ACTIVATIONS = {
    ACTIVATION_NONE: "none",
    ACTIVATION_RELU: "RELU",
    ACTIVATION_RELU_N1_TO_1: "RELU_N1_TO_1",
    ACTIVATION_RELU6: "RELU6",
}

PADDING_SAME = 0
PADDING_VALID = 1

I64 = NDArray[np.int64]


def round_away(x: float) -> int:
    """Rounds half away from zero, as C's round(); what is beyond 64 bits becomes 2^63."""
    if not abs(x) < 1 << 63:
        return 0 if math.isnan(x) else (1 << 63) * (1 if x > 0 else -1)
    return math.floor(abs(x) + 0.5) * (1 if x >= 0 else -1)


@lru_cache(maxsize=1 << 14)
def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift): real = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31).

    Zero, and what would need a right shift beyond 31, becomes (0, 0).
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    fixed = round_away(fraction * (1 << 31))
    if fixed == 1 << 31:
        fixed //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        raise ModelError(
            f"a scale ratio of {real:g} is beyond what 32-bit arithmetic holds",
            hint="quantise again: a scale in the model is wrong",
        )
    return fixed, shift


def scale_of(tensor: Tensor) -> np.float32:
    """The scale of a per-tensor quantised tensor (float32).

    Raises:
        ModelError: it has none.
    """
    if not len(tensor.scales):
        raise ModelError(
            "has no scale, where the op reckons with one",
            where=f"tensor {tensor.index} ({tensor.name[:80]})",
            hint="convert the model again: the file contradicts itself",
        )
    return np.float32(tensor.scales[0])


def zero_of(tensor: Tensor) -> int:
    """The zero point of a per-tensor quantised tensor; 0 where there is none."""
    return int(tensor.zero_points[0]) if len(tensor.zero_points) else 0


def activation_range(activation: int, output: Tensor) -> tuple[int, int]:
    """(lowest, highest) stored value a fused activation lets through."""
    low, high = INT_RANGE[output.dtype]
    if activation == ACTIVATION_NONE:
        return low, high

    def stored(x: float) -> int:
        ratio = np.float32(x) / scale_of(output)
        return zero_of(output) + round_away(float(ratio))

    if activation == ACTIVATION_RELU:
        return max(low, stored(0.0)), high
    if activation == ACTIVATION_RELU6:
        return max(low, stored(0.0)), min(high, stored(6.0))
    if activation == ACTIVATION_RELU_N1_TO_1:
        return max(low, stored(-1.0)), min(high, stored(1.0))
    raise ModelError(f"fused activation {activation} is not supported")


def out_size(padding: int, size: int, kernel: int, stride: int, dilation: int = 1) -> int:
    """Output height or width of a convolution or pooling."""
    effective = (kernel - 1) * dilation + 1
    if padding == PADDING_SAME:
        return (size + stride - 1) // stride
    return (size + stride - effective) // stride


def pad_before(padding: int, size: int, kernel: int, stride: int, dilation: int = 1) -> int:
    """Rows above, or columns left of the image that a convolution reads as zero."""
    effective = (kernel - 1) * dilation + 1
    total = (out_size(padding, size, kernel, stride, dilation) - 1) * stride + effective - size
    return max(total, 0) // 2


# Vectors of 32-bit values, held in int64 so that NumPy never wraps unasked.


def wrap32(x: I64) -> I64:
    """Reduces to 32 bits, two's complement."""
    return ((x + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def high_mul(a: I64, b: I64 | int) -> I64:
    """SaturatingRoundingDoublingHighMul: (a * b * 2) >> 32, rounded half up."""
    product = a * b
    result = (product + (1 << 30)) >> 31
    return np.asarray(np.minimum(result, (1 << 31) - 1), np.int64)


def rounding_shift(x: I64, exponent: I64 | int) -> I64:
    """RoundingDivideByPOT: x / 2^exponent, rounded half away from zero."""
    mask = (np.int64(1) << exponent) - 1
    remainder = x & mask
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + (remainder > threshold)


def requantize(x: I64, multiplier: I64 | int, shift: I64 | int) -> I64:
    """MultiplyByQuantizedMultiplier with its two roundings: x * multiplier * 2^(shift-31)."""
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    return rounding_shift(high_mul(wrap32(x << left), multiplier), right)
