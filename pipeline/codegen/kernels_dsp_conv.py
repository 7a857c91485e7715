"""CONV_2D and FULLY_CONNECTED for cores with DSP instructions (firmware/runtime/dsp)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.codegen import kernels_dsp_cost as costs
from pipeline.codegen.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.kernels_dsp_pack import (
    Scales,
    Stream,
    accumulator_range,
    pack_scales,
    pack_stream,
    scale_constant,
)
from pipeline.codegen.numeric import I64, wrap32
from pipeline.codegen.ops.conv import Geometry, geometry, order
from pipeline.codegen.ops.fully_connected import dense
from pipeline.codegen.overlap import Overlap
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op, Tensor


def gemm_fields(
    site: Site, stream: Stream, scales: Scales, channels: int, four: bool = True
) -> dict[str, Any]:
    """Fields of dsp_gemm_t, with the tiles of `gemm_files`."""
    plain = "" if stream.fused else "_plain"
    return {
        "tile_4px": f"dsp_gemm_4px{plain}" if four else "NULL",
        "tile_1px": f"dsp_gemm_1px{plain}",
        "stream": site.constant("stream"),
        "scales": f"(const dsp_scale_t *){site.constant('scales')}",
        "output": scales.output,
        "k_pairs": stream.k_pairs,
        "channels": channels,
        "stride": channels,
        "fused": stream.fused,
    }


def gemm_files(stream: Stream, four: bool = True) -> tuple[str, ...]:
    """The tiles' files. four: those for four pixels too."""
    plain = "" if stream.fused else "_plain"
    one = ("dsp/requant.c", "dsp/gemm_any.c", f"dsp/gemm_1px{plain}.c")
    return (*one, f"dsp/gemm_4px{plain}.c") if four else one


def gemm_constants(stream: Stream, scales: Scales) -> tuple[Constant, ...]:
    """The two arrays a dsp_gemm_t points to."""
    layout = "fused" if stream.fused else "plain"
    return (
        Constant(
            "stream", "int32_t", stream.words, note=f"gemm.h, {layout}: start values, weights"
        ),
        scale_constant(scales),
    )


def matrix(g: Geometry) -> tuple[I64, I64, I64, I64]:
    """Weights (channels, K), start values, and the accumulators' range."""
    weights = g.weights.reshape(g.weights.shape[0], -1).astype(np.int64)
    bias = np.zeros(len(weights), np.int64) if g.bias is None else g.bias.astype(np.int64)
    low, high = accumulator_range(weights, bias, g.input_zero)
    return weights, wrap32(bias - g.input_zero * weights.sum(axis=1)), low, high


def turned(g: Geometry) -> Geometry:
    """The same convolution with rows for columns."""

    def by_column(t: Tensor) -> Tensor:
        return replace(t, shape=(t.shape[0], t.shape[2], t.shape[1], t.shape[3]))

    return replace(
        g,
        input=by_column(g.input),
        output=by_column(g.output),
        weights=g.weights.transpose(0, 2, 1, 3),
        kernel=g.kernel[::-1],
        stride=g.stride[::-1],
        dilation=g.dilation[::-1],
        padding=g.padding[::-1],
    )


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
        """From the table of kernels_dsp_cost."""
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


class FullyConnected:
    """Fully connected layer: the tile of 2 channels x 1 pixel."""

    name = "dsp 2x1 tile"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Any; Helium has better kernels."""
        return target.has("dsp") and not target.has("mve")

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of kernels_dsp_cost."""
        d = dense(graph, op)
        outputs, k = d.weights.shape
        shared = any(other.name == "CONV_2D" for other in graph.ops)
        return Cost(
            cycles=d.rows * costs.dense(k, outputs),
            flash=0 if shared else costs.share(graph, op, costs.DENSE_CODE),
            ram=costs.more_ram(graph, op, 2 * k),
        )

    def lower(self, site: Site) -> Code:
        """A call of dsp_fully_connected_s8."""
        d = dense(site.graph, site.op)
        weights = d.weights.astype(np.int64)
        outputs, k = weights.shape
        start = d.bias.astype(np.int64)
        low, high = accumulator_range(weights, start, 0)
        stream = pack_stream(weights, start, low, high, 8)
        scales = pack_scales(d.multipliers, d.shifts, low, high, (d.output_zero, d.low, d.high))
        params = Initializer("dsp_gemm_t", gemm_fields(site, stream, scales, outputs, False))
        return Code(
            function="dsp_fully_connected_s8",
            body=f"{params.declare()}\n"
            f"dsp_fully_connected_s8(&params, {d.rows}, {k}, {site.input(0)}, {site.output()},"
            f" {site.scratch});",
            constants=gemm_constants(stream, scales),
            files=("dsp/conv.h", "dsp/fully_connected.c", *gemm_files(stream, False)),
            scratch=4 * stream.k_pairs,
            encoding=f"dense, {'fused' if stream.fused else 'plain'} pairs",
        )
