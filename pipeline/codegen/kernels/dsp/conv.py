"""CONV_2D for cores with DSP instructions (firmware/runtime/dsp/conv.c)."""

from __future__ import annotations

import math

import numpy as np

from pipeline.codegen.kernels.dsp import cost as costs
from pipeline.codegen.kernels.dsp.gemm import gemm_constants, gemm_fields, gemm_files
from pipeline.codegen.kernels.dsp.pack import (
    matrix,
    pack_scales,
    pack_stream,
)
from pipeline.codegen.kernels.kernel import Code, Cost, Initializer, Site
from pipeline.codegen.memory.overlap import Overlap
from pipeline.codegen.ops.conv import Geometry, geometry, order, turned
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op


def lying(g: Geometry) -> Geometry:
    """A convolution down a single column as one along a row, whose fields are longer runs."""
    return turned(g) if g.input.shape[2] == g.kernel[1] == 1 else g


class Conv2d:
    """Convolution by gathered pixels and the tile of 2 channels x 4 pixels."""

    name = "dsp 2x4 tile"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Any."""
        return target.has("dsp")

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        g = lying(geometry(graph, op))
        k = math.prod(_runs(g))
        pixels, channels = math.prod(g.output.shape[:3]), g.output.shape[3]
        return Cost(
            cycles=costs.gemm(pixels, k, channels)
            + g.groups * costs.gather(pixels, k, g.kernel != (1, 1)),
            flash=3 * channels,
            ram=costs.more_ram(graph, op, _scratch(g)),
        )

    def lower(self, site: Site) -> Code:
        """A call of dsp_conv_s8."""
        g = lying(geometry(site.graph, site.op))
        weights, start, low, high = matrix(g)
        channels = len(weights)
        runs, run = _runs(g)
        by_run = weights.reshape(channels, runs, -1)
        weights = np.pad(by_run, ((0, 0), (0, 0), (0, run - by_run.shape[2])))
        weights = weights.reshape(channels, -1)
        k = runs * run
        pixels = g.output.shape[1] * g.output.shape[2]
        # The last pixels go one by one, with K in steps of 8; that is worth some padding.
        multiple = 8 if pixels % 4 and k > 4 else 4
        stream = pack_stream(weights, start, low, high, multiple, groups=g.groups)
        scales = pack_scales(g.multipliers, g.shifts, low, high, (g.output_zero, g.low, g.high))
        flat = _flat(g)
        params = Initializer(
            "dsp_conv_t",
            {
                "gemm": {
                    **gemm_fields(site, stream, scales, channels // g.groups),
                    "stride": channels,
                },
                "groups": g.groups,
                "batches": g.input.shape[0],
                "in_height": 1 if flat else g.input.shape[1],
                "in_width": pixels if flat else g.input.shape[2],
                "in_channels": g.input.shape[3],
                "out_height": 1 if flat else g.output.shape[1],
                "out_width": pixels if flat else g.output.shape[2],
                "kernel_height": g.kernel[0],
                "kernel_width": g.kernel[1],
                "stride_height": g.stride[0],
                "stride_width": g.stride[1],
                "dilation_height": g.dilation[0],
                "dilation_width": g.dilation[1],
                "pad_top": g.padding[0],
                "pad_left": g.padding[1],
                "run": run,
                "in_zero": g.input_zero,
                "padded": _band(g) > 0,
            },
        )
        return Code(
            function="dsp_conv_s8",
            body=f"{params.declare()}\n"
            f"dsp_conv_s8(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=gemm_constants(stream, scales),
            files=("dsp/conv.h", "dsp/conv.c", "dsp/widen.c", *gemm_files(stream)),
            scratch=_scratch(g),
            overlaps=(_overlap(g),) if g.groups == 1 else (),
            slack=0 if _band(g) or _run(g) % 4 == 0 else 3,
            encoding=f"dense, {'fused' if stream.fused else 'plain'} pairs",
        )


def _flat(g: Geometry) -> bool:
    """Pixel by pixel: rows don't matter."""
    return g.kernel == (1, 1) and g.stride == (1, 1)


def _band(g: Geometry) -> int:
    """Bytes of the rows that a row of outputs reads, padding included; 0 without padding."""
    reach = [
        (g.output.shape[1 + i] - 1) * g.stride[i] + (g.kernel[i] - 1) * g.dilation[i] + 1
        for i in (0, 1)
    ]
    if all(reach[i] - g.padding[i] <= g.input.shape[1 + i] for i in (0, 1)) and not any(g.padding):
        return 0
    return g.kernel[0] * reach[1] * g.input.shape[3] + 3


def _overlap(g: Geometry) -> Overlap:
    """With a band whole rows are read before they are written, else pixels."""
    return Overlap(0, order(g).by_rows()) if _band(g) else order(g).pixelwise


def _run(g: Geometry) -> int:
    """Consecutive bytes of a field: a row of it, or a pixel with dilation or groups."""
    joined = g.kernel[1] if g.dilation[1] == 1 and g.groups == 1 else 1
    return joined * (g.input.shape[3] // g.groups)


def _runs(g: Geometry) -> tuple[int, int]:
    """Runs of a field, and bytes of each in K: whole words, unless that wastes too much."""
    run = _run(g)
    words = -(-run // 4) * 4
    runs = g.kernel[0] * g.kernel[1] * (g.input.shape[3] // g.groups) // run
    return runs, words if 3 * words <= 4 * run else run


def _scratch(g: Geometry) -> int:
    runs, run = _runs(g)
    k = runs * run
    patches = (k + 6) // 4 * 4 * (4 if run % 4 else 1)
    return 4 * 2 * (-(-k // 8) * 8) + patches + _band(g)
