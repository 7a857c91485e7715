"""DEPTHWISE_CONV_2D for cores with Helium (firmware/runtime/mve/mve_depthwise.h)."""

from __future__ import annotations

import math

import numpy as np

from pipeline.codegen.kernel import Code, Cost, Initializer, Site
from pipeline.codegen.kernels_dsp_cost import MOST_SCRATCH, more_ram
from pipeline.codegen.kernels_mve_conv import scaled
from pipeline.codegen.kernels_mve_pack import LANES, pack, stream_bytes
from pipeline.codegen.ops.conv import Geometry, geometry, order
from pipeline.codegen.overlap import Overlap
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_BLOCK = 8
"""Channels transposed at a time."""
_PER_OUTPUT = 5.8
_PER_LINE = 40.0
_PER_COPY = 5.0


def _axes(g: Geometry) -> tuple[int, int]:
    """(along, across): 0 height, 1 width; lines run along the output's longer side.

    Places along a line can't be dilated, so a dilated axis is the one across.
    """
    if g.dilation[1] > 1:
        return 0, 1
    if g.dilation[0] > 1 or g.output.shape[2] >= g.output.shape[1]:
        return 1, 0
    return 0, 1


def _places(g: Geometry) -> int:
    """Places of the band."""
    along, _ = _axes(g)
    return (g.output.shape[1 + along] - 1) * g.stride[along] + g.kernel[along]


def _scratch(g: Geometry) -> int:
    _, across = _axes(g)
    return _BLOCK * _places(g) * g.kernel[across] + LANES - 1


def _overlap(g: Geometry) -> Overlap:
    """Eight channels after another; of those a line is in the band before it is written."""
    along, _ = _axes(g)
    if along == 0:
        return Overlap(0, order(g).by_rows(g.output.shape[1], mixed=True))
    # Other channels are read later: only distances of whole pixels keep clear of them.
    return Overlap(0, first=order(g).by_rows(), step=g.input.shape[3])


class Depthwise:
    """One vector product per output."""

    name = "mve fields"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """One output per input, fields of a vector, dilated along one axis at most."""
        if not target.has("mve"):
            return False
        g = geometry(graph, op)
        return (
            g.depth_multiplier == 1
            and math.prod(g.kernel) <= LANES
            and min(g.dilation) == 1
            and max(*g.stride, *g.dilation) < 256
            and _scratch(g) <= MOST_SCRATCH
        )

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """Counts of the loops' instructions."""
        g = geometry(graph, op)
        along, across = _axes(g)
        channels = g.output.shape[3]
        fill = -(-channels // _BLOCK) * g.kernel[across] * (_PER_COPY * _places(g) + 15)
        line = -(-channels // 4) * (4 * _PER_OUTPUT * g.output.shape[1 + along] + _PER_LINE)
        return Cost(
            cycles=g.output.shape[0] * g.output.shape[1 + across] * (fill + line),
            flash=stream_bytes(channels, LANES) - channels * math.prod(g.kernel),
            ram=more_ram(graph, op, _scratch(g)),
        )

    def lower(self, site: Site) -> Code:
        """A call of mve_depthwise_s8."""
        g = geometry(site.graph, site.op)
        along, across = _axes(g)
        order = (3, 2, 1) if along else (3, 1, 2)
        weights = g.weights[0].astype(np.int64)[None].transpose(*order, 0)
        weights = weights.reshape(len(weights), -1)
        scales = scaled(g, weights)
        channels = len(weights)
        # Bytes from pixel to pixel by axis.
        inside = (g.input.shape[2] * channels, channels)
        outside = (g.output.shape[2] * channels, channels)
        params = Initializer(
            "mve_depthwise_t",
            {
                "stream": site.constant("stream"),
                "line": f"mve_depthwise_{scales.mode}",
                "output": scales.output,
                "in_along": inside[along],
                "in_across": inside[across],
                "out_along": outside[along],
                "out_across": outside[across],
                "in_batch": math.prod(g.input.shape[1:]),
                "out_batch": math.prod(g.output.shape[1:]),
                "batches": g.input.shape[0],
                "channels": channels,
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
            constants=(pack(weights, scales),),
            files=(
                "mve/mve_depthwise.h",
                "mve/mve_depthwise.c",
                f"mve/mve_depthwise_{scales.mode}.c",
            ),
            scratch=_scratch(g),
            overlaps=(_overlap(g),),
            slack=_BLOCK - 1,
            encoding="dense, vectors of 16",
        )
