"""exp, logistic and tanh in 32-bit fixed point, as TFLite Micro computes them.

The same steps as firmware/runtime/fixed_point.h, over vectors: every multiplication
rounds as high_mul does. Qn has n integer bits and 31 - n bits below the point. Sources:
Taylor's polynomial on [-1/4, 0) with one factor per higher bit (exp), Newton-Raphson with
the start 48/17 - 32/17 x (reciprocal), as in gemmlowp's fixedpoint.h.
"""

from __future__ import annotations

import numpy as np

from pipeline.codegen.numeric import I64, high_mul, rounding_shift

INT32_MAX = (1 << 31) - 1
_EXP_MINUS_EIGHTH = 1895147668
_THIRD = 715827883
_C48_17 = 1515870810
_C32_17 = -1010580540
_ONE_Q2 = 1 << 29
_HALF_SQRT_2 = 1518500250  # Q0
# exp(-1/4), exp(-1/2), exp(-1), exp(-2), ... in Q0
_FACTORS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def saturating_shift(x: I64, bits: int) -> I64:
    """x * 2^bits, saturated to 32 bits."""
    return np.asarray(np.clip(x << bits, -(1 << 31), INT32_MAX), np.int64)


def _exp_quarter(x: I64) -> I64:
    t = x + (1 << 28)
    t2 = high_mul(t, t)
    t3 = high_mul(t2, t)
    t4 = high_mul(t2, t2)
    total = high_mul(rounding_shift(t4, 2) + t3, _THIRD) + t2
    return _EXP_MINUS_EIGHTH + high_mul(t + rounding_shift(total, 1), _EXP_MINUS_EIGHTH)


def exp_negative(x: I64, integer_bits: int) -> I64:
    """exp(x) in Q0 for x <= 0 in Q<integer_bits>."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    part = (x & (quarter - 1)) - quarter
    rest = part - x
    result = _exp_quarter(saturating_shift(part, integer_bits))
    for i, factor in enumerate(_FACTORS[: integer_bits + 2]):
        result = np.where(rest & (quarter << i), high_mul(result, factor), result)
    return np.where(x == 0, INT32_MAX, result)


def _reciprocal_q2(x: I64) -> I64:
    """2 / (1 + x) in Q2, halved by reading it as Q1; x in [0, 1] in Q0."""
    half = (x + INT32_MAX + 1) // 2
    r = _C48_17 + high_mul(half, _C32_17)
    for _ in range(3):
        error = _ONE_Q2 - high_mul(half, r)
        r = r + saturating_shift(high_mul(r, error), 2)
    return r


def logistic(x: I64, integer_bits: int) -> I64:
    """1 / (1 + exp(-x)) in Q0 for x in Q<integer_bits>."""
    positive = saturating_shift(_reciprocal_q2(exp_negative(-np.abs(x), integer_bits)), 1)
    result = np.where(x > 0, positive, INT32_MAX - positive)
    return np.where(x == 0, 1 << 30, result)


def tanh(x: I64, integer_bits: int) -> I64:
    """tanh(x) in Q0 for x in Q<integer_bits>."""
    power = exp_negative(-np.abs(x), integer_bits + 1)  # the same bits read as 2x
    positive = saturating_shift(_reciprocal_q2(power) - _ONE_Q2, 2)
    return np.where(x == 0, 0, np.where(x < 0, -positive, positive))


def inverse_root(x: int) -> tuple[int, int]:
    """(multiplier, shift) of 1 / sqrt(x) for x > 0: five Newton steps in Q3 from 1."""
    if x <= 1:
        return INT32_MAX, 0
    shift = 11
    while x >= 1 << 29:
        x //= 4
        shift += 1
    pairs = (31 - x.bit_length()) // 2 - 1
    shift -= pairs
    x <<= 2 * pairs

    def mul(a: int, b: int) -> int:
        return int(high_mul(np.array(a, np.int64), b))

    def up(value: int, bits: int) -> int:
        return int(saturating_shift(np.array(value, np.int64), bits))

    half = int(rounding_shift(np.array(x >> 1, np.int64), 1))
    three_halves, root = (1 << 28) + (1 << 27), 1 << 28
    for _ in range(5):
        cube = up(mul(mul(root, root), root), 6)
        root = up(mul(three_halves, root) - mul(half, cube), 3)
    root = mul(root, _HALF_SQRT_2)
    if shift < 0:
        root <<= -shift
        shift = 0
    return root, -shift
