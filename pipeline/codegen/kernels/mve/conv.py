"""CONV_2D for cores with Helium (firmware/runtime/mve/conv.c)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pipeline.codegen.kernels.dsp.cost import more_ram
from pipeline.codegen.kernels.kernel import Code, Cost, Initializer, Site
from pipeline.codegen.kernels.mve.cost import products
from pipeline.codegen.kernels.mve.pack import (
    LANES,
    Scaled,
    chunks,
    pack,
    stream_bytes,
)
from pipeline.codegen.memory.overlap import Overlap
from pipeline.codegen.numeric import I64, wrap32
from pipeline.codegen.ops.conv import Geometry, geometry, order, turned
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_PER_COPY = 8.0


def start_values(g: Geometry, weights: I64) -> I64:
    """Biases of (channels, K) weights with the input's zero point folded in."""
    bias = np.zeros(len(weights), np.int64) if g.bias is None else g.bias.astype(np.int64)
    return wrap32(bias - g.input_zero * weights.sum(axis=1))


def scaled(g: Geometry, weights: I64) -> Scaled:
    """The numbers of a convolution that its outputs are made with."""
    return Scaled(start_values(g, weights), g.multipliers, g.shifts, g.output_zero, g.low, g.high)


def _turned(g: Geometry) -> Geometry:
    """A convolution along one line lies if it can, and stands where it is dilated."""
    if g.input.shape[2] == g.kernel[1] == g.dilation[0] == 1:
        return turned(g)
    if g.input.shape[1] == g.kernel[0] == 1 and g.dilation[1] > 1:
        return turned(g)
    return g


def _compact(g: Geometry) -> Geometry:
    """Columns side by side: those that a dilated kernel leaves out are multiplied by zero."""
    g = _turned(g)
    if g.dilation[1] == 1:
        return g
    width = (g.kernel[1] - 1) * g.dilation[1] + 1
    weights = np.zeros((len(g.weights), g.kernel[0], width, g.weights.shape[3]), np.int8)
    weights[:, :, :: g.dilation[1]] = g.weights
    return replace(g, weights=weights, kernel=(g.kernel[0], width), dilation=(g.dilation[0], 1))


def columns(g: Geometry) -> int:
    """Columns that a row of outputs reads, padding included."""
    return (g.output.shape[2] - 1) * g.stride[1] + g.kernel[1]


class Conv2d:
    """Convolution by fields that lie in one piece."""

    name = "mve 4x2 tile"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """No groups."""
        return target.has("mve") and geometry(graph, op).groups == 1

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """Counts of the loops' instructions."""
        g = _compact(geometry(graph, op))
        k, channels = math.prod(g.weights.shape[1:]), g.output.shape[3]
        rows = g.output.shape[0] * g.output.shape[1]
        copies = _band(g) * g.kernel[0] * _PER_COPY * chunks(g.input.shape[3])
        return Cost(
            cycles=rows * (products(g.output.shape[2], k, channels) + copies),
            flash=stream_bytes(channels, k) - math.prod(geometry(graph, op).weights.shape),
            ram=more_ram(graph, op, _scratch(g)),
        )

    def lower(self, site: Site) -> Code:
        """A call of mve_conv_s8."""
        g = _compact(geometry(site.graph, site.op))
        by_column = g.weights.astype(np.int64).transpose(0, 2, 1, 3)
        weights = by_column.reshape(len(by_column), -1)
        scales = scaled(g, weights)
        flat = g.kernel == (1, 1) and g.stride == (1, 1)
        pixels = g.output.shape[1] * g.output.shape[2]
        channels = g.input.shape[3]
        scratch = site.scratch if _scratch(g) else "NULL"
        params = Initializer(
            "mve_conv_t",
            {
                "gemm": {
                    "stream": site.constant("stream"),
                    "chunks": chunks(weights.shape[1]),
                    "channels": len(weights),
                    "output": scales.output,
                },
                "row": f"mve_gemm_{scales.mode}",
                "batches": g.input.shape[0],
                "in_height": 1 if flat else g.input.shape[1],
                "in_width": pixels if flat else g.input.shape[2],
                "in_channels": channels,
                "out_height": 1 if flat else g.output.shape[1],
                "out_width": pixels if flat else g.output.shape[2],
                "kernel_height": g.kernel[0],
                "stride_height": g.stride[0],
                "stride_width": g.stride[1],
                "dilation_height": g.dilation[0],
                "pad_top": g.padding[0],
                "pad_left": g.padding[1],
                "columns": _band(g),
                "in_zero": g.input_zero,
            },
        )
        return Code(
            function="mve_conv_s8",
            body=f"{params.declare()}\n"
            f"mve_conv_s8(&params, {site.input(0)}, {site.output()}, {scratch});",
            constants=(pack(weights, scales),),
            files=("mve/conv.h", "mve/conv.c", f"mve/gemm_{scales.mode}.c"),
            scratch=_scratch(g),
            overlaps=(_overlap(g),),
            slack=LANES - 1,
            encoding="dense, vectors of 16",
        )


def _band(g: Geometry) -> int:
    """Columns of the band; 0 where rows are read in place."""
    within = columns(g) - g.padding[1] <= g.input.shape[2]
    lines = (g.output.shape[1] - 1) * g.stride[0] + 1 - g.padding[0] <= g.input.shape[1]
    return 0 if g.kernel[0] == 1 and within and lines and not any(g.padding) else columns(g)


def _scratch(g: Geometry) -> int:
    band = _band(g) * g.kernel[0] * g.input.shape[3]
    return band + LANES - 1 if band else 0


def _overlap(g: Geometry) -> Overlap:
    """Rows by way of the band; without it pairs of pixels, read as often as there are tiles."""
    return Overlap(0, order(g).by_rows() if _band(g) else order(g).by_pixels(2, mixed=True))
