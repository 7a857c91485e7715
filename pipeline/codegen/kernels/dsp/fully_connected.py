"""FULLY_CONNECTED for cores with DSP instructions (firmware/runtime/dsp/fully_connected.c)."""

from __future__ import annotations

import numpy as np

from pipeline.codegen.kernels.dsp import cost as costs
from pipeline.codegen.kernels.dsp.gemm import gemm_constants, gemm_fields, gemm_files
from pipeline.codegen.kernels.dsp.pack import (
    accumulator_range,
    pack_scales,
    pack_stream,
)
from pipeline.codegen.kernels.kernel import Code, Cost, Initializer, Site
from pipeline.codegen.ops.fully_connected import dense
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op


class FullyConnected:
    """Fully connected layer: the tile of 2 channels x 1 pixel."""

    name = "dsp 2x1 tile"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Any; Helium has better kernels."""
        return target.has("dsp") and not target.has("mve")

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
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
