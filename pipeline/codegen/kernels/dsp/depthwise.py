"""DEPTHWISE_CONV_2D for cores with DSP instructions (firmware/runtime/dsp/depthwise.c)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pipeline.codegen.kernels.dsp import cost as costs
from pipeline.codegen.kernels.dsp.pack import (
    Scales,
    accumulator_range,
    pack_scales,
    scale_constant,
)
from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.numeric import I64, wrap32
from pipeline.codegen.ops.conv import Geometry, geometry, order
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op


def taps(g: Geometry) -> tuple[I64, I64, Scales]:
    """Weights (channels, kh, kw), start values, scales."""
    w = g.weights[0].astype(np.int64).transpose(2, 0, 1)
    flat = w.reshape(len(w), -1)
    bias = np.zeros(len(w), np.int64) if g.bias is None else g.bias.astype(np.int64)
    low, high = accumulator_range(flat, bias, g.input_zero)
    scales = pack_scales(g.multipliers, g.shifts, low, high, (g.output_zero, g.low, g.high))
    return w, wrap32(bias - g.input_zero * flat.sum(axis=1)), scales


def image_fields(site: Site, g: Geometry, scales: Scales) -> dict[str, Any]:
    """The fields both structs have."""
    return {
        "scales": f"(const dsp_scale_t *){site.constant('scales')}",
        "output": scales.output,
        "batches": g.input.shape[0],
        "in_height": g.input.shape[1],
        "in_width": g.input.shape[2],
        "channels": g.input.shape[3],
        "out_height": g.output.shape[1],
        "out_width": g.output.shape[2],
        "pad_top": g.padding[0],
        "pad_left": g.padding[1],
        "in_zero": g.input_zero,
    }


def slack_of(g: Geometry) -> int:
    """Bytes that words of four channels reach beyond the input."""
    return 3 if g.input.shape[3] % 4 else 0


def _macs(g: Geometry) -> int:
    return math.prod(g.output.shape) * g.kernel[0] * g.kernel[1]


class Depthwise:
    """Any kernel, stride and dilation: four channels side by side."""

    name = "dsp 4 channels"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Depth multiplier 1."""
        return target.has("dsp") and geometry(graph, op).depth_multiplier == 1

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        g = geometry(graph, op)
        outputs = math.prod(g.output.shape)
        cycles = costs.DEPTHWISE_PER_MAC * _macs(g) + costs.DEPTHWISE_PER_OUTPUT * outputs
        return Cost(cycles=cycles, flash=3 * g.input.shape[3])

    def lower(self, site: Site) -> Code:
        """A call of dsp_depthwise_s8."""
        g = geometry(site.graph, site.op)
        w, start, scales = taps(g)
        channels = len(w)
        padded = -(-channels // 4) * 4
        weights = np.zeros((padded, *g.kernel), np.int8)
        weights[:channels] = w
        starts = np.zeros(padded, np.int32)
        starts[:channels] = start
        params = Initializer(
            "dsp_depthwise_t",
            {
                "weights": site.constant("weights"),
                "start": site.constant("start"),
                **image_fields(site, g, scales),
                "kernel_height": g.kernel[0],
                "kernel_width": g.kernel[1],
                "stride_height": g.stride[0],
                "stride_width": g.stride[1],
                "dilation_height": g.dilation[0],
                "dilation_width": g.dilation[1],
            },
        )
        return Code(
            function="dsp_depthwise_s8",
            body=f"{params.declare()}\n"
            f"dsp_depthwise_s8(&params, {site.input(0)}, {site.output()});",
            constants=(
                Constant(
                    "weights",
                    "int8_t",
                    weights.reshape(-1, 4, *g.kernel).transpose(0, 2, 3, 1),
                    align=4,
                    note="groups of 4 channels, kernel height, kernel width, 4",
                ),
                Constant("start", "int32_t", starts, note="input zero point folded in"),
                scale_constant(scales),
            ),
            files=("dsp/depthwise.h", "dsp/depthwise.c", "dsp/requant.c"),
            overlaps=(order(g).channelwise,),
            slack=slack_of(g),
            encoding="dense",
        )
