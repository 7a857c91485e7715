"""DEPTHWISE_CONV_2D by pairs of taps, for cores with DSP instructions (dsp/depthwise.h)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.dsp import cost as costs
from pipeline.codegen.kernels.dsp.depthwise import slack_of, taps
from pipeline.codegen.kernels.dsp.pack import Scales
from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.numeric import I64, wrap32
from pipeline.codegen.ops.conv import Geometry, geometry, order
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op


class DepthwisePairs:
    """Any kernel, stride, dilation and depth multiplier: two taps of four channels at a time."""

    name = "dsp pairs of taps"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Any."""
        return target.has("dsp")

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        g = geometry(graph, op)
        channels = g.input.shape[3]
        fours = g.depth_multiplier * -(-channels // 4)
        pixels = math.prod(g.output.shape[:3])
        cycles = costs.depthwise_pairs(pixels, _pairs(g), fours, _border(g))
        flash = fours * (16 * _pairs(g) + 48) - 9 * g.output.shape[3]
        return Cost(cycles=cycles, flash=flash, ram=costs.more_ram(graph, op, _scratch(g)))

    def lower(self, site: Site) -> Code:
        """A call of dsp_depthwise_pairs_s8."""
        g = geometry(site.graph, site.op)
        w, start, scales = taps(g)
        params = Initializer(
            "dsp_depthwise_pairs_t",
            {
                "stream": site.constant("stream"),
                "output": scales.output,
                "batches": g.input.shape[0],
                "in_height": g.input.shape[1],
                "in_width": g.input.shape[2],
                "channels": g.input.shape[3],
                "out_height": g.output.shape[1],
                "out_width": g.output.shape[2],
                "kernel_height": g.kernel[0],
                "kernel_width": g.kernel[1],
                "stride_height": g.stride[0],
                "stride_width": g.stride[1],
                "dilation_height": g.dilation[0],
                "dilation_width": g.dilation[1],
                "pad_top": g.padding[0],
                "pad_left": g.padding[1],
                "multiplier": g.depth_multiplier,
                "in_zero": g.input_zero,
            },
        )
        return Code(
            function="dsp_depthwise_pairs_s8",
            body=f"{params.declare()}\n"
            f"dsp_depthwise_pairs_s8(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=(
                Constant(
                    "stream",
                    "int32_t",
                    _stream(w.reshape(len(w), -1), start, scales, g.depth_multiplier),
                    note="per four channels: start values, weights by pairs of taps, scales",
                ),
            ),
            files=("dsp/depthwise.h", "dsp/depthwise_pairs.c", "dsp/requant.c"),
            scratch=_scratch(g),
            overlaps=(order(g).channelwise,) if g.depth_multiplier == 1 else (),
            slack=slack_of(g),
            encoding="dense, int16",
        )


def _pairs(g: Geometry) -> int:
    return -(-math.prod(g.kernel) // 2)


def _border(g: Geometry) -> int:
    """Pixels whose field reaches over the border."""
    inside = 1
    for i in (0, 1):
        first = np.arange(g.output.shape[1 + i]) * g.stride[i] - g.padding[i]
        last = first + (g.kernel[i] - 1) * g.dilation[i]
        inside *= int(np.sum((first >= 0) & (last < g.input.shape[1 + i])))
    return math.prod(g.output.shape[1:3]) - inside


def _scratch(g: Geometry) -> int:
    return 16 * _pairs(g) + -(-g.input.shape[3] // 4) * 4


def _stream(w: I64, start: I64, scales: Scales, multiplier: int) -> NDArray[np.int32]:
    """(output channels, taps) weights as depthwise.h describes them, in words."""
    outputs, count = w.shape
    table = np.broadcast_to(scales.table, (outputs, 2))
    rows = []
    for m in range(multiplier):
        fill = -(outputs // multiplier) % 4
        own = np.pad(w[m::multiplier], ((0, fill), (0, count % 2)))
        own = own.reshape(-1, 4, own.shape[1] // 2, 2)
        words = (own[..., 0] & 0xFFFF) | own[..., 1] << 16
        words = words[:, [0, 2, 1, 3]].transpose(0, 2, 1).reshape(len(own), -1)
        starts = np.pad(start[m::multiplier], (0, fill)).reshape(-1, 4)
        own_scales = np.pad(table[m::multiplier], ((0, fill), (0, 0))).reshape(-1, 8)
        rows.append(np.concatenate([starts, words, own_scales], axis=1))
    return wrap32(np.concatenate(rows)).astype(np.int32)
