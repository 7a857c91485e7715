"""Packed weights and requantisation constants of the scalar kernels.

The other side is firmware/runtime/scalar: requant.h and the gemm_*.c say why it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.dsp.pack import accumulator_range, short_scale
from pipeline.codegen.numeric import I64, wrap32

_HALF = 1 << 15
_FRACTION = 14
"""SCALAR_FRACTION of requant.h."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """A layer's numbers as the scalar kernels take them.

    Attributes:
        weights: (channels, K).
        bias: (channels to a multiple of 4,) int32, the input's zero point folded in.
        scales: (channels or 1, 2) int32: multiplier and shift word, as scalar_scale_t.
        output: fields of scalar_output_t.
    """

    weights: I64
    bias: NDArray[np.int32]
    scales: NDArray[np.int32]
    output: dict[str, Any]


def matrix(
    weights: I64,
    bias: I64,
    zero: int,
    multipliers: NDArray[np.int32],
    shifts: NDArray[np.int8],
    output: tuple[int, int, int],
) -> Matrix:
    """Folds the input's zero point and picks the requantisation.

    Args:
        weights: (channels, K) of int8 values.
        bias: (channels,), the zero point not folded in.
        zero: the input's zero point.
        multipliers, shifts: TFLM's, one per channel or one for all.
        output: zero point, lowest and highest stored value.
    """
    low, high = accumulator_range(weights, bias, zero)
    scales, wide = _scales(multipliers, shifts, low, high, output)
    zero_point, least, most = output
    special = wide or (least, most) != (-128, 127)
    folded = wrap32(bias - zero * weights.sum(axis=1))
    return Matrix(
        weights=weights,
        bias=np.pad(folded, (0, -len(folded) % 4)).astype(np.int32),
        scales=scales,
        output={
            "base": (zero_point << _FRACTION) + (1 << (_FRACTION - 1)),
            "zero_point": zero_point,
            "low": least,
            "high": most,
            "rectified": int(not special and zero_point == -128),
            "wide": int(wide),
            "special": int(special),
            "scale_step": int(len(scales) > 1),
        },
    )


def _scales(
    multipliers: NDArray[np.int32],
    shifts: NDArray[np.int8],
    low: I64,
    high: I64,
    output: tuple[int, int, int],
) -> tuple[NDArray[np.int32], bool]:
    """(channels or 1, 2) multiplier and shift word, and whether they are TFLM's own."""
    rows: list[tuple[int, int]] = []
    single = len(multipliers) == 1
    for c, (m, shift) in enumerate(zip(multipliers.tolist(), shifts.tolist(), strict=True)):
        ends = (int(low.min()), int(high.max())) if single else (int(low[c]), int(high[c]))
        scale = short_scale(m, shift, *ends, output, _FRACTION)
        if scale is None:
            own = np.stack([multipliers.astype(np.int64), shifts.astype(np.int64)], axis=1)
            return own.astype(np.int32), True
        rows.append((scale.multiplier, scale.left | scale.unit << 8))
    return np.array(rows, np.int64).astype(np.int32).reshape(-1, 2), False


def _padded(weights: I64, channels: int, k: int) -> I64:
    """Zeros added up to multiples."""
    rows, columns = weights.shape
    whole = np.zeros((-(-rows // channels) * channels, -(-columns // k) * k), np.int64)
    whole[:rows, :columns] = weights
    return whole


def lanes_fit(weights: I64, run: int = 2) -> bool:
    """`run` products in a row along K stay inside int16, whatever the data."""
    w = np.abs(_padded(weights, 1, run)).reshape(len(weights), -1, run).sum(axis=2)
    return bool(w.max(initial=0) * 128 < _HALF)


def pack_bytes(weights: I64, channels: int, k: int) -> NDArray[np.int8]:
    """Weights of gemm_4px_*: (groups of channels, K, channels), padded to multiples."""
    w = _padded(weights, channels, k)
    return w.reshape(-1, channels, w.shape[1]).transpose(0, 2, 1).astype(np.int8)


def _words(digits: I64) -> NDArray[np.int32]:
    """(..., 4) bytes, lowest first, to words."""
    return wrap32(((digits & 0xFF) << np.array([0, 8, 16, 24])).sum(axis=-1)).astype(np.int32)


def _quads(weights: I64, channels: int = 4, k: int = 2) -> I64:
    """(channels, K) to (groups of channels, pairs of K, pairs of channels, a or b, k or k+1)."""
    w = _padded(weights, channels, k)
    return w.reshape(len(w) // channels, channels // 2, 2, -1, 2).transpose(0, 3, 1, 2, 4)


def pack_wide(weights: I64) -> NDArray[np.int32]:
    """Words of gemm_1px_wide."""
    q = _quads(weights)
    a, b = q[..., 0, :], q[..., 1, :]
    return _words(np.stack([a[..., 0] + 128, b[..., 1], a[..., 1] + 128, b[..., 0]], axis=-1))


def pack_lanes(weights: I64) -> NDArray[np.int32]:
    """Words of gemm_1px_lanes."""
    return _lanes(_quads(weights))


def _lanes(quads: I64) -> NDArray[np.int32]:
    """Offset bytes of channels a and b at k and k+1, as words."""
    a, b = quads[..., 0, :] + 128, quads[..., 1, :] + 128
    return _words(np.stack([a[..., 0], a[..., 1], b[..., 0], b[..., 1]], axis=-1))


def pack_blocks(weights: I64) -> NDArray[np.int32]:
    """Words of gemm_1px_blocks, flattened."""
    words = _lanes(_quads(weights, 8, 4))
    groups = len(words)
    flags = [int(lanes_fit(weights[8 * i : 8 * i + 8], 4)) for i in range(groups)]
    columns = [np.array(flags, np.int32)[:, None], words.reshape(groups, -1)]
    return np.concatenate(columns, axis=1)
