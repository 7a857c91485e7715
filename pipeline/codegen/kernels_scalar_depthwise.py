"""DEPTHWISE_CONV_2D for cores without SIMD (firmware/runtime/scalar/depthwise.h)."""

from __future__ import annotations

import math

import numpy as np

from pipeline.codegen import kernels_scalar_cost as costs
from pipeline.codegen.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.kernels_scalar_conv import family
from pipeline.codegen.kernels_scalar_pack import matrix
from pipeline.codegen.ops.conv import Geometry, geometry
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_PLANE_BYTES = 2048
"""Planes are kept below it where one output row allows."""


def _plane(g: Geometry) -> tuple[int, int, int]:
    """Output rows of a strip, rows and columns of its plane."""
    reach = [(k - 1) * d + 1 for k, d in zip(g.kernel, g.dilation, strict=True)]
    height, width = g.output.shape[1:3]
    # Up to the stride's end, as the pointer walks there.
    columns = max((width - 1) * g.stride[1] + reach[1], width * g.stride[1])
    rows = (_PLANE_BYTES // columns - reach[0]) // g.stride[0] + 1
    strip = min(height, max(1, rows))
    strips = math.ceil(height / strip)
    strip = math.ceil(height / strips)
    return strip, (strip - 1) * g.stride[0] + reach[0], columns


class Depthwise:
    """One channel at a time, from a padded plane."""

    name = "scalar plane"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Any depthwise convolution."""
        return bool(family(target))

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of kernels_scalar_cost."""
        g = geometry(graph, op)
        _, rows, columns = _plane(g)
        outputs, taps = math.prod(g.output.shape), math.prod(g.kernel)
        return Cost(
            cycles=costs.depthwise(family(target), outputs, taps),
            flash=4 * g.output.shape[3],
            ram=rows * columns,
        )

    def lower(self, site: Site) -> Code:
        """A call of scalar_depthwise_s8."""
        g = geometry(site.graph, site.op)
        weights = g.weights.reshape(-1, g.output.shape[3]).astype(np.int64).T
        bias = np.zeros(len(weights), np.int64) if g.bias is None else g.bias.astype(np.int64)
        m = matrix(
            weights,
            bias,
            g.input_zero,
            g.multipliers,
            g.shifts,
            (g.output_zero, g.low, g.high),
        )
        strip, rows, columns = _plane(g)
        params = Initializer(
            "scalar_depthwise_t",
            {
                "weights": site.constant("weights"),
                "bias": site.constant("bias"),
                "scales": f"(const scalar_scale_t *){site.constant('scales')}",
                "output": m.output,
                "batches": g.input.shape[0],
                "in_height": g.input.shape[1],
                "in_width": g.input.shape[2],
                "in_channels": g.input.shape[3],
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
                "strip": strip,
                "plane_rows": rows,
                "plane_columns": columns,
                "in_zero": g.input_zero,
            },
        )
        return Code(
            function="scalar_depthwise_s8",
            body=f"{params.declare()}\n"
            f"scalar_depthwise_s8(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=(
                Constant("weights", "int8_t", weights, note="channels, kernel height, width"),
                Constant("bias", "int32_t", m.bias, note="input zero point folded in"),
                Constant("scales", "int32_t", m.scales, note="multiplier, shift"),
            ),
            files=("scalar/depthwise.h", "scalar/depthwise.c", "scalar/requant.c"),
            scratch=rows * columns,
            encoding="dense, by channel",
        )
