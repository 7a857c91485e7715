"""FULLY_CONNECTED for cores with Helium (firmware/runtime/mve/gemm.h, dense_*.c)."""

from __future__ import annotations

import numpy as np

from pipeline.codegen.kernels.kernel import Code, Cost, Initializer, Site
from pipeline.codegen.kernels.mve.cost import products
from pipeline.codegen.kernels.mve.pack import (
    LANES,
    Scaled,
    chunks,
    pack,
    stream_bytes,
)
from pipeline.codegen.ops.fully_connected import Dense, dense
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op


class FullyConnected:
    """Fully connected layer: the convolution's tile over rows."""

    name = "mve 4x1 tile"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Any."""
        return target.has("mve")

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """Counts of the loops' instructions."""
        d = dense(graph, op)
        outputs, k = d.weights.shape
        return Cost(
            cycles=products(d.rows, k, outputs),
            flash=stream_bytes(outputs, k, _single(d)) - k * outputs,
        )

    def lower(self, site: Site) -> Code:
        """A call of the row function itself."""
        d = dense(site.graph, site.op)
        outputs, k = d.weights.shape
        scales = Scaled(
            d.bias.astype(np.int64), d.multipliers, d.shifts, d.output_zero, d.low, d.high
        )
        gemm = {
            "stream": site.constant("stream"),
            "chunks": chunks(k),
            "channels": outputs,
            "output": scales.output,
        }
        if _single(d):
            scale = {"multiplier": int(d.multipliers[0]), "shift": int(d.shifts[0])}
            params = Initializer("mve_dense_t", {"gemm": gemm, **scale})
            name, rows = f"dense_{scales.mode}", ""
        else:
            params = Initializer("mve_gemm_t", gemm)
            name, rows = f"gemm_{scales.mode}", f" {d.rows}, {k},"
        function = f"mve_{name}"
        return Code(
            function=function,
            body=f"{params.declare()}\n"
            f"{function}(&params, {site.input(0)},{rows} {site.output()});",
            constants=(pack(d.weights.astype(np.int64), scales, _single(d)),),
            files=("mve/gemm.h", f"mve/{name}.c"),
            slack=LANES - 1,
            encoding="dense, vectors of 16",
        )


def _single(d: Dense) -> bool:
    """One row and one scale: the stream needs no scales."""
    return d.rows == 1 and len(d.multipliers) == 1
