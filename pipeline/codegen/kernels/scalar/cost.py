"""What the scalar kernels cost: the one table the choice is made by.

Instructions by core family, counted in QEMU by benchmarks/kernels_scalar.py.
"""

from __future__ import annotations

_PER_MAC = {
    ("m3", "4px_wide"): 0.91,
    ("m3", "1px_wide"): 1.31,
    ("rv32", "4px_lanes"): 2.16,
    ("rv32", "1px_blocks"): 2.5,
    ("m0", "1px_lanes"): 2.7,
}
_PER_OUTPUT = {"m3": 14.0, "rv32": 18.0, "m0": 38.0}
_PACK_PER_BYTE = {
    "4px_wide": 3.0,
    "1px_wide": 2.5,
    "4px_lanes": 3.0,
    "1px_lanes": 6.0,
    "1px_blocks": 6.0,
}
_COPY_PER_BYTE = 1.0
_PER_PIXEL = 40.0


def dense(family: str, tile: str, pixels: int, k: int, channels: int, copied: bool) -> float:
    """A convolution or fully connected layer: all pixels, channels, and their gathering."""
    per_byte = _PACK_PER_BYTE[tile] + (_COPY_PER_BYTE if copied else 0.0)
    per_output = k * _PER_MAC[family, tile] + _PER_OUTPUT[family]
    return pixels * (channels * per_output + k * per_byte + _PER_PIXEL)


ADD = 16.0
"""Per element."""

_DEPTHWISE_PER_MAC = {"m3": 3.0, "rv32": 3.2, "m0": 6.0}


def depthwise(family: str, outputs: int, taps: int) -> float:
    """A depthwise convolution; its copy costs about as much as one more tap."""
    return outputs * ((taps + 1) * _DEPTHWISE_PER_MAC[family] + _PER_OUTPUT[family] + 5.0)
