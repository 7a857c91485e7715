"""DEPTHWISE_CONV_2D for cores with Helium (firmware/runtime/mve/depthwise.h)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pipeline.codegen.kernels.dsp.cost import MOST_SCRATCH, more_ram
from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.kernels.mve.conv import scaled
from pipeline.codegen.kernels.mve.pack import LANES, Scaled, chunks, pack, stream_bytes
from pipeline.codegen.memory.overlap import Overlap
from pipeline.codegen.numeric import I64
from pipeline.codegen.ops.conv import Geometry, geometry, order
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_BLOCK = 8
"""Channels transposed at a time."""
_PER_OUTPUT = 8.0
_PER_LINE = 40.0
_PER_PLACE = 40.0
_PER_CHUNK = 15.0
_PER_COPY = 5.0


def _axes(g: Geometry) -> tuple[int, int]:
    """(along, across): 0 height, 1 width; lines run along the output's longer side.

    Places along a line that a dilated kernel leaves out are multiplied by zero, so the axis
    that is dilated more is the one across.
    """
    if g.dilation[0] != g.dilation[1]:
        return (0, 1) if g.dilation[1] > g.dilation[0] else (1, 0)
    return (1, 0) if g.output.shape[2] >= g.output.shape[1] else (0, 1)


def _reach(g: Geometry) -> int:
    """Places along a line that a field takes."""
    along, _ = _axes(g)
    return (g.kernel[along] - 1) * g.dilation[along] + 1


def _taps(g: Geometry) -> int:
    """Bytes of a field in the band."""
    _, across = _axes(g)
    return _reach(g) * g.kernel[across]


def _places(g: Geometry) -> int:
    """Places of the band."""
    along, _ = _axes(g)
    return (g.output.shape[1 + along] - 1) * g.stride[along] + _reach(g)


def _scratch(g: Geometry) -> int:
    _, across = _axes(g)
    return _BLOCK * _places(g) * g.kernel[across] + LANES * chunks(_taps(g)) - 1


def _overlap(g: Geometry) -> Overlap:
    """Eight channels after another; of those a line is in the band before it is written."""
    along, _ = _axes(g)
    if along == 0:
        return Overlap(0, order(g).by_rows(g.output.shape[1], mixed=True))
    # Other channels are read later: only distances of whole pixels keep clear of them.
    return Overlap(0, first=order(g).by_rows(), step=g.input.shape[3])


def _fast(g: Geometry) -> bool:
    """One vector per field, and outputs side by side."""
    return _taps(g) <= LANES and g.depth_multiplier == 1


class Depthwise:
    """A vector product or a few per output."""

    name = "mve fields"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Bands that fit."""
        if not target.has("mve"):
            return False
        g = geometry(graph, op)
        return max(*g.stride, *g.dilation, *g.kernel) < 256 and _scratch(g) <= MOST_SCRATCH

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """Counts of the loops' instructions."""
        g = geometry(graph, op)
        along, across = _axes(g)
        channels = g.input.shape[3]
        fill = -(-channels // _BLOCK) * g.kernel[across] * (_PER_COPY * _places(g) + 15)
        place = 4 * _PER_OUTPUT
        if not _fast(g):
            place = _PER_PLACE + _PER_CHUNK * chunks(_taps(g))
        line = place * g.output.shape[1 + along] + _PER_LINE
        line *= -(-channels // 4) * g.depth_multiplier
        return Cost(
            cycles=g.output.shape[0] * g.output.shape[1 + across] * (fill + line),
            flash=_flash(g),
            ram=more_ram(graph, op, _scratch(g)),
        )

    def lower(self, site: Site) -> Code:
        """A call of mve_depthwise_s8."""
        g = geometry(site.graph, site.op)
        along, across = _axes(g)
        weights = _weights(g)
        scales = scaled(g, weights)
        channels, outputs = g.input.shape[3], len(weights)
        # Bytes from pixel to pixel by axis.
        inside = (g.input.shape[2] * channels, channels)
        outside = (g.output.shape[2] * outputs, outputs)
        line = f"depthwise_{'' if _fast(g) else 'chunks_'}{scales.mode}"
        params = Initializer(
            "mve_depthwise_t",
            {
                "stream": site.constant("stream"),
                "line": f"mve_{line}",
                "output": scales.output,
                "in_along": inside[along],
                "in_across": inside[across],
                "out_along": outside[along],
                "out_across": outside[across],
                "in_batch": math.prod(g.input.shape[1:]),
                "out_batch": math.prod(g.output.shape[1:]),
                "batches": g.input.shape[0],
                "channels": channels,
                "multiplier": g.depth_multiplier,
                "chunks": chunks(weights.shape[1]),
                "in_places": g.input.shape[1 + along],
                "in_lines": g.input.shape[1 + across],
                "out_places": g.output.shape[1 + along],
                "out_lines": g.output.shape[1 + across],
                "places": _places(g),
                "kernel_lines": g.kernel[across],
                "stride_along": g.stride[along],
                "stride_across": g.stride[across],
                "dilation_across": g.dilation[across],
                "pad_along": g.padding[along],
                "pad_across": g.padding[across],
                "in_zero": g.input_zero,
            },
        )
        return Code(
            function="mve_depthwise_s8",
            body=f"{params.declare()}\n"
            f"mve_depthwise_s8(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=(_pack(g, weights, scales),),
            files=(
                "mve/depthwise.h",
                "mve/depthwise.c",
                f"mve/{line}.c",
            ),
            scratch=_scratch(g),
            overlaps=(_overlap(g),) if g.depth_multiplier == 1 else (),
            slack=_BLOCK - 1,
            encoding="dense, vectors of 16",
        )


def _weights(g: Geometry) -> I64:
    """(output channels, taps), dilated along by zeros."""
    along, across = _axes(g)
    w = g.weights[0].astype(np.int64).transpose(2, along, across)
    dilated = np.zeros((len(w), _reach(g), g.kernel[across]), np.int64)
    dilated[:, :: g.dilation[along]] = w
    return dilated.reshape(len(w), -1)


def _blocks(g: Geometry) -> list[list[int]]:
    """Output channels of each stream: by eight input channels, then by the multiplier."""
    channels, m = g.input.shape[3], g.depth_multiplier
    return [
        [c * m + j for c in range(first, min(first + _BLOCK, channels))]
        for first in range(0, channels, _BLOCK)
        for j in range(m)
    ]


def _pack(g: Geometry, weights: I64, scales: Scaled) -> Constant:
    """The streams; each but the last is of eight channels, filled up."""
    parts = []
    for block in _blocks(g):
        part = Scaled(
            scales.start[block],
            np.broadcast_to(scales.multipliers, len(weights))[block],
            np.broadcast_to(scales.shifts, len(weights))[block],
            scales.zero,
            scales.low,
            scales.high,
        )
        parts.append(pack(weights[block], part))
    size = stream_bytes(_BLOCK, weights.shape[1]) // 4
    words = [np.pad(p.values, (0, size - p.values.size)) for p in parts[:-1]]
    return replace(parts[0], values=np.concatenate([*words, parts[-1].values]))


def _flash(g: Geometry) -> int:
    """Bytes beside the weights."""
    streams = len(_blocks(g)) * stream_bytes(_BLOCK, _taps(g))
    return streams - math.prod(g.kernel) * g.output.shape[3]
