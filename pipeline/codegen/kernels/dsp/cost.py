"""What the DSP kernels cost: the one table the choice is made by.

Instructions on a Cortex-M4, counted in QEMU by benchmarks/kernels_dsp.py.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from pipeline.convert.graph import Graph, Op

MOST_SCRATCH = 32 * 1024
"""Bytes; a kernel that wants more is not taken, however fast."""

TILE_4PX_PER_MAC = 0.77
TILE_1PX_PER_MAC = 1.05
"""0.89 by a fused stream, 1.14 by a plain one."""
TILE_PER_OUTPUT = 9.5
DENSE_PER_OUTPUT = 19.0
DENSE4_PER_MAC = (0.98, 0.85)
"""Inputs as bytes, and widened."""
DENSE4_PER_OUTPUT = 13.0
DENSE4_CODE = (1740, 2250)
"""Bytes of flash, shared by the fully connected layers of a program."""
DENSE_CODE = 1800
"""The same of the tile of 2 channels, most of which convolutions use too."""
WIDEN_PER_BYTE = 1.3
GATHER_PER_PIXEL = 40.0
GATHER_PER_BYTE = 0.3
DEPTHWISE_3X3 = (12.5, 15.0)
"""Per output, by stride."""
# More for each output where the sign of a sum matters to its rounding: by C instead of assembly.
DEPTHWISE_3X3_SIGN = 70.0
DEPTHWISE_PER_STRIP = 60.0
DEPTHWISE_3X3_UNPACK = 57.0
DEPTHWISE_PER_LINE = 27.0
DEPTHWISE_PER_READ_LINE = 8.0
DEPTHWISE_PER_READ = 2.3
DEPTHWISE_PER_MAC = 5.0
DEPTHWISE_PER_OUTPUT = 30.0
PAIRS_PER_STEP = 18.5
"""Two taps of four channels."""
PAIRS_PER_FOUR = 64.0
PAIRS_PER_PIXEL = 70.0
PAIRS_PER_BORDER_TAP = 16.0

ADD = 9.0
POOL_PER_OUTPUT = 30.0
POOL_PER_TAP = 2.0

WINOGRAD_PER_STEP = 11.0
WINOGRAD_PER_FREQUENCY = 14.0
WINOGRAD_PER_OUTPUT = 105.0
"""A tile of one channel."""
WINOGRAD_PER_INPUT = 100.0
WINOGRAD_PER_WEIGHT = 60.0
WINOGRAD_CODE = 2660
"""Bytes of flash; a program rarely has more than one layer of it."""

WINOGRAD4_PER_OUTPUT = 280.0
"""A tile of one channel."""
WINOGRAD4_PER_INPUT = 225.0
WINOGRAD4_PER_WEIGHT = 112.0
WINOGRAD4_CODE = 5460 // 4
"""Bytes of flash, shared by the layers of a program."""


def gemm(pixels: int, k: int, channels: int) -> float:
    """The tiles over all pixels."""
    return pixels * channels * (k * TILE_4PX_PER_MAC + TILE_PER_OUTPUT)


def gather(pixels: int, k: int, field: bool) -> float:
    """Bringing the receptive fields together."""
    return pixels * (k * (WIDEN_PER_BYTE + (GATHER_PER_BYTE if field else 0)) + GATHER_PER_PIXEL)


def dense(k: int, outputs: int) -> float:
    """One row of a fully connected layer."""
    return outputs * (k * TILE_1PX_PER_MAC + DENSE_PER_OUTPUT) + WIDEN_PER_BYTE * k


def dense4(k: int, outputs: int, widened: bool) -> float:
    """The same by four outputs."""
    products = outputs * (k * DENSE4_PER_MAC[widened] + DENSE4_PER_OUTPUT)
    return products + (WIDEN_PER_BYTE * k if widened else 0)


def depthwise_pairs(pixels: int, pairs: int, fours: int, border: int) -> float:
    """Depthwise by pairs of taps, where `border` pixels need offsets of their own."""
    four = pairs * PAIRS_PER_STEP + PAIRS_PER_FOUR
    return pixels * (fours * four + PAIRS_PER_PIXEL) + border * pairs * 2 * PAIRS_PER_BORDER_TAP


def share(graph: Graph, op: Op, code: int) -> int:
    """Bytes of a kernel's code that are this op's, where all ops of its kind use the kernel."""
    return code // sum(other.name == op.name for other in graph.ops)


def winograd(inputs: int, outputs: int, blocks: int, again: int) -> float:
    """An image in blocks of four tiles; inputs are transformed `again` times."""
    products = 16 * (inputs / 2 * WINOGRAD_PER_STEP + WINOGRAD_PER_FREQUENCY)
    return (
        blocks * outputs / 2 * (products + 8 * WINOGRAD_PER_OUTPUT)
        + 4 * blocks * inputs * WINOGRAD_PER_INPUT * again
        + inputs * outputs * WINOGRAD_PER_WEIGHT
    )


def winograd4(inputs: int, outputs: int, tiles: tuple[int, int], again: int) -> float:
    """An image in blocks of four tiles; weights are transformed `again` times.

    Args:
        tiles: blocks of four, and tiles.
    """
    products = 36 * (inputs / 2 * WINOGRAD_PER_STEP + WINOGRAD_PER_FREQUENCY)
    return (
        tiles[0] * outputs / 2 * products
        + tiles[1] * (outputs * WINOGRAD4_PER_OUTPUT + inputs * WINOGRAD4_PER_INPUT)
        + inputs * outputs * WINOGRAD4_PER_WEIGHT * again
    )


def dies(graph: Graph, op: Op) -> bool:
    """Nothing reads the op's data after it: an output may take its place."""
    data = op.inputs[0]
    if data in graph.outputs:
        return False
    return all(data not in later.inputs for later in graph.ops if later.index > op.index)


@lru_cache(maxsize=8)
def _live(graph: Graph) -> tuple[int, ...]:
    """Bytes of activations needed at each op, outputs beside inputs."""
    size = {t.index: math.prod(t.shape) * np.dtype(t.dtype).itemsize for t in graph.tensors}
    first = dict.fromkeys(graph.inputs, -1)
    last = {i: len(graph.ops) for i in graph.outputs}
    for position, op in enumerate(graph.ops):
        for i in op.outputs:
            first[i] = position
        for i in op.inputs:
            if i >= 0 and graph.tensors[i].data is None:
                last.setdefault(i, position)
                last[i] = max(last[i], position)
    return tuple(
        sum(size[i] for i, begin in first.items() if begin <= position <= last.get(i, begin))
        for position in range(len(graph.ops))
    )


def more_ram(graph: Graph, op: Op, scratch: int, in_place: bool = False) -> int:
    """Bytes the arena may grow by: scratch beyond what lies idle while the op runs.

    The arena has to hold the tensors of the model's widest moment anyway.
    """
    live = _live(graph)
    # By its outputs: the op may be looked at without its clamp.
    position = next(i for i, known in enumerate(graph.ops) if known.outputs == op.outputs)
    now = live[position] + scratch
    if in_place and dies(graph, op):
        result = graph.tensors[op.outputs[0]]
        now -= math.prod(result.shape) * np.dtype(result.dtype).itemsize
    return max(0, now - max(live))
