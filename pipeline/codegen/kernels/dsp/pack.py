"""Constants of the DSP kernels: requantisation modes and packed weight streams.

The other side is firmware/runtime/dsp/requant.h and gemm.h, which say why it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Constant
from pipeline.codegen.numeric import I64, requantize, wrap32
from pipeline.codegen.ops.conv import Geometry

FLOOR, SIGN, CLAMP, WIDE = range(4)
MODES = ("DSP_FLOOR", "DSP_SIGN", "DSP_CLAMP", "DSP_WIDE")

FRACTION = 14
"""DSP_FRACTION of requant.h."""
DEPTHWISE_FRACTION = 11
"""DSP_DEPTHWISE_FRACTION of depthwise.h."""


@dataclass(frozen=True, eq=False)
class Scales:
    """How a layer's accumulators become int8.

    Attributes:
        mode: FLOOR, SIGN, CLAMP or WIDE, the cheapest that is exact for all channels.
        table: (channels or 1, 2) int32: multiplier and shift word, as dsp_scale_t.
        output: fields of dsp_output_t.
    """

    mode: int
    table: I64
    output: dict[str, Any]


def accumulator_range(weights: I64, bias: I64, zero: int) -> tuple[I64, I64]:
    """Lowest and highest accumulator per channel, over all inputs.

    Args:
        weights: (channels, K).
        bias: (channels,), the input's zero point not folded in.
        zero: the input's zero point.
    """
    low, high = weights * (-128 - zero), weights * (127 - zero)
    return (
        bias + np.minimum(low, high).sum(axis=1),
        bias + np.maximum(low, high).sum(axis=1),
    )


def pack_scales(
    multipliers: NDArray[np.int32],
    shifts: NDArray[np.int8],
    low: I64,
    high: I64,
    output: tuple[int, int, int],
) -> Scales:
    """Picks the mode, and computes the table for it.

    Args:
        multipliers, shifts: TFLM's, one per channel or one for all.
        low, high: range of the accumulators, per channel.
        output: zero point, lowest and highest stored value.
    """
    zero, least, most = output
    mode = clamp_mode(output)
    single = len(multipliers) == 1
    rows: list[tuple[int, int]] = []
    for c, (m, shift) in enumerate(zip(multipliers.tolist(), shifts.tolist(), strict=True)):
        a, b = (int(low.min()), int(high.max())) if single else (int(low[c]), int(high[c]))
        scale = short_scale(m, shift, a, b, output, FRACTION)
        if scale is None:
            mode = WIDE
            break
        rows.append((scale.multiplier, scale.left | scale.unit << 8))
    if mode == WIDE:
        rows = list(zip(multipliers.tolist(), shifts.tolist(), strict=True))
    return Scales(
        mode=mode,
        table=np.array(rows, np.int64).reshape(-1, 2),
        output={
            "base": (zero << FRACTION) + (1 << (FRACTION - 1)),
            "zero_point": zero,
            "low": least,
            "high": most,
            "mode": MODES[mode],
            "scale_step": 0 if single else 1,
        },
    )


def clamp_mode(output: tuple[int, int, int]) -> int:
    """FLOOR, SIGN or CLAMP by zero point, lowest and highest stored value."""
    zero, least, most = output
    if (least, most) != (-128, 127):
        return CLAMP
    return FLOOR if zero == -128 else SIGN


@dataclass(frozen=True)
class Scale:
    """One channel's requantisation as one floor.

    y = ((acc << left) * multiplier / 2^32 + base + unit / 2 - (unit if acc < 0)) >> fraction
    """

    multiplier: int
    left: int
    unit: int


def short_scale(
    multiplier: int,
    shift: int,
    low: int,
    high: int,
    output: tuple[int, int, int],
    fraction: int,
    most_right: int | None = None,
) -> Scale | None:
    """The short form for a channel, or None where it is not exact for all accumulators.

    A right shift beyond `most_right` (else fraction - 1) becomes that one, with a shorter
    multiplier, where that changes no output.
    """
    if multiplier == 0:
        return Scale(0, 0, 0)
    right = -shift
    if most_right is None:
        most_right = fraction - 1
    if right > 31 or max(-low, high, 0) << (fraction + 1 - min(right, most_right)) >= 1 << 31:
        return None
    if right <= most_right:
        left = fraction + 1 - right
        return Scale(multiplier, left, 1 << (left - 1) if right >= 1 else 0)
    drop = right - most_right
    substitute = (multiplier + (1 << (drop - 1))) >> drop
    if not _same_steps((multiplier, right), (substitute, most_right), low, high, output):
        return None
    left = fraction + 1 - most_right
    return Scale(substitute, left, 1 << (left - 1))


def _same_steps(
    a: tuple[int, int], b: tuple[int, int], low: int, high: int, output: tuple[int, int, int]
) -> bool:
    """Two scales (multiplier, right shift) give the same outputs from low to high.

    Outputs are step functions of the accumulator with at most 256 steps, so it is enough
    to look at both sides of each step.
    """
    zero, least, most = output

    def of(scale: tuple[int, int], acc: I64) -> I64:
        return np.clip(requantize(acc, scale[0], -scale[1]) + zero, least, most)

    ends = np.array([low, high], np.int64)
    first, last = of(a, ends).tolist()
    wanted = np.arange(first + 1, last + 1, dtype=np.int64)
    below, above = np.full(wanted.shape, low), np.full(wanted.shape, high)
    while np.any(above - below > 1):  # of(a, below) < wanted <= of(a, above)
        middle = (below + above) // 2
        reached = of(a, middle) >= wanted
        below, above = np.where(reached, below, middle), np.where(reached, middle, above)
    points = np.concatenate([ends, below, above])
    return np.array_equal(of(a, points), of(b, points))


def scale_constant(scales: Scales) -> Constant:
    """The dsp_scale_t array of a layer."""
    return Constant("scales", "int32_t", scales.table.astype(np.int32), note="multiplier, shift")


@dataclass(frozen=True, eq=False)
class Stream:
    """Packed weights of a GEMM.

    Attributes:
        words: int32, per pair of channels two start values and k_pairs words.
        k_pairs: half of the padded K.
        fused: which of the two layouts of gemm.h.
    """

    words: NDArray[np.int32]
    k_pairs: int
    fused: bool


def fused_lanes(weights: I64, low: I64, high: I64) -> I64 | None:
    """(pairs of channels, K): w[c] + 256 w[c+1]; None where gemm.h's bounds don't hold.

    Args:
        weights: (channels, K), an even number of channels.
        low, high: range of the accumulators, per channel; may lack channels of zeros.
    """
    mixed = weights[0::2] + 256 * weights[1::2]
    small = np.all(low[1::2] >= -(1 << 23)) and np.all(high[1::2] < 1 << 23)
    fits = small and mixed.min() >= -(1 << 15) and mixed.max() < 1 << 15
    return mixed if fits else None


def pack_stream(
    weights: I64, start: I64, low: I64, high: I64, multiple: int, *, groups: int = 1
) -> Stream:
    """Packs a matrix for the tiles.

    Args:
        weights: (channels, K) of int8 values.
        start: (channels,), bias with the input's zero point folded in.
        low, high: (channels,), range of the accumulators.
        multiple: K is padded to a multiple of it; itself a multiple of 4.
        groups: so many matrices, of as many channels each, one after another in one layout.
    """
    if groups > 1:
        own = len(weights) // groups
        parts = [slice(own * i, own * (i + 1)) for i in range(groups)]
        fused = all(_pack(weights[p], start[p], low[p], high[p], multiple).fused for p in parts)
        streams = [_pack(weights[p], start[p], low[p], high[p], multiple, fused) for p in parts]
        return Stream(np.concatenate([s.words for s in streams]), streams[0].k_pairs, fused)
    return _pack(weights, start, low, high, multiple)


def _pack(
    weights: I64, start: I64, low: I64, high: I64, multiple: int, fuse: bool = True
) -> Stream:
    channels, k = weights.shape
    padded = -(-k // multiple) * multiple
    even = channels + channels % 2
    w = np.zeros((even, padded), np.int64)
    w[:channels, :k] = weights
    b = np.zeros(even, np.int64)
    b[:channels] = start
    first, second = w[0::2], w[1::2]
    mixed = fused_lanes(w, low, high) if fuse else None
    fused = mixed is not None
    pairs = len(first)
    if mixed is not None:
        groups = mixed.reshape(pairs, padded // 4, 4)
        lanes = groups[:, :, [0, 2, 1, 3]].reshape(pairs, padded // 2, 2) & 0xFFFF
        body = lanes[:, :, 0] | lanes[:, :, 1] << 16
        starts = np.stack([b[0::2] + 256 * b[1::2], b[0::2]], axis=1)
    else:
        both = np.stack([first, second], axis=1).reshape(pairs, 2, padded // 4, 4)
        quads = both.transpose(0, 2, 1, 3).reshape(pairs, padded // 2, 4) & 0xFF
        body = (quads << np.array([0, 8, 16, 24])).sum(axis=2)
        starts = b.reshape(pairs, 2)[:, ::-1]
    words = wrap32(np.concatenate([starts, body], axis=1)).astype(np.int32)
    return Stream(words=words, k_pairs=padded // 2, fused=fused)


def matrix(g: Geometry) -> tuple[I64, I64, I64, I64]:
    """Weights (channels, K), start values, and the accumulators' range."""
    weights = g.weights.reshape(g.weights.shape[0], -1).astype(np.int64)
    bias = np.zeros(len(weights), np.int64) if g.bias is None else g.bias.astype(np.int64)
    low, high = accumulator_range(weights, bias, g.input_zero)
    return weights, wrap32(bias - g.input_zero * weights.sum(axis=1)), low, high
