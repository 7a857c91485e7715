"""FULLY_CONNECTED by four outputs, for cores with DSP instructions (dsp/dense.h)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.dsp import cost as costs
from pipeline.codegen.kernels.dsp.pack import (
    Scales,
    accumulator_range,
    fused_lanes,
    pack_scales,
    scale_constant,
)
from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.numeric import I64, wrap32
from pipeline.codegen.ops.fully_connected import Dense, dense
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_TILE = 4
"""Outputs at a time."""
_STEP = 8
"""Inputs at a time."""


@dataclass(frozen=True)
class Dense4:
    """Fully connected layer: the tile of 4 outputs.

    Attributes:
        widened: a row of inputs is widened to int16 in scratch memory first; otherwise
            it is read as bytes, again for every four outputs.
    """

    widened: bool

    @property
    def name(self) -> str:
        """For people."""
        return f"dsp 4 outputs, {'widened' if self.widened else 'byte'} inputs"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Weights that fit the fused lanes; bytes are read where they are aligned.

        Helium has better kernels.
        """
        if not target.has("dsp") or target.has("mve"):
            return False
        d = dense(graph, op)
        if not self.widened and d.rows > 1 and d.weights.shape[1] % 4:
            return False
        low, high = _range(d)
        return _lanes(d, low, high) is not None

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        d = dense(graph, op)
        outputs, k = d.weights.shape
        scratch = _scratch(k) if self.widened else 0
        return Cost(
            cycles=d.rows * costs.dense4(k, outputs, self.widened),
            flash=costs.share(graph, op, costs.DENSE4_CODE[self.widened]),
            ram=costs.more_ram(graph, op, scratch),
        )

    def lower(self, site: Site) -> Code:
        """A call of dsp_dense_s8 or dsp_dense_bytes_s8."""
        d = dense(site.graph, site.op)
        outputs, k = d.weights.shape
        low, high = _range(d)
        lanes = _lanes(d, low, high)
        assert lanes is not None
        scales = _padded(pack_scales(d.multipliers, d.shifts, low, high, _output(d)))
        params = Initializer(
            "dsp_dense_t",
            {
                "stream": site.constant("stream"),
                "scales": f"(const dsp_scale_t *){site.constant('scales')}",
                "output": scales.output,
                "steps": -(-k // _STEP),
                "outputs": outputs,
            },
        )
        function = "dsp_dense_s8" if self.widened else "dsp_dense_bytes_s8"
        scratch = f", {site.scratch}" if self.widened else ""
        return Code(
            function=function,
            body=f"{params.declare()}\n"
            f"{function}(&params, {d.rows}, {k}, {site.input(0)}, {site.output()}{scratch});",
            constants=(
                Constant(
                    "stream",
                    "int32_t",
                    _stream(lanes, d.bias.astype(np.int64)),
                    note="dense.h: per four outputs start values, weights",
                ),
                scale_constant(scales),
            ),
            files=(
                "dsp/dense.h",
                "dsp/dense.c" if self.widened else "dsp/dense_bytes.c",
                "dsp/dense_any.c",
                "dsp/requant.c",
            ),
            scratch=_scratch(k) if self.widened else 0,
            slack=0 if self.widened else -k % _STEP,
            encoding="dense, fused fours",
        )


def _scratch(k: int) -> int:
    return 2 * _STEP * -(-k // _STEP)


def _output(d: Dense) -> tuple[int, int, int]:
    return d.output_zero, d.low, d.high


def _range(d: Dense) -> tuple[I64, I64]:
    """Of the accumulators, per output."""
    return accumulator_range(d.weights.astype(np.int64), d.bias.astype(np.int64), 0)


def _lanes(d: Dense, low: I64, high: I64) -> I64 | None:
    """(pairs of outputs, K): w[c] + 256 w[c+1]; outputs and K are filled up with zeros."""
    outputs, k = d.weights.shape
    w = np.pad(d.weights.astype(np.int64), ((0, -outputs % _TILE), (0, -k % _STEP)))
    return fused_lanes(w, low, high)


def _stream(lanes: I64, bias: I64) -> NDArray[np.int32]:
    """Words as dense.h describes them."""
    b = np.pad(bias, (0, -len(bias) % _TILE))
    starts = np.stack([b[0::2], b[0::2] + 256 * b[1::2]], axis=1).reshape(-1, 4)
    # fours, pair of outputs, group of 4 inputs, x0..x3 -> ..., pair of inputs, lane
    groups = lanes.reshape(len(starts), 2, -1, 4)[..., [0, 2, 1, 3]] & 0xFFFF
    words = groups[..., 0::2] | groups[..., 1::2] << 16
    body = words.transpose(0, 2, 1, 3).reshape(len(starts), -1)
    return wrap32(np.concatenate([starts, body], axis=1)).astype(np.int32)


def _padded(scales: Scales) -> Scales:
    """A scale for each output that is computed, those filled up too."""
    if len(scales.table) == 1:
        return scales
    table = np.pad(scales.table, ((0, -len(scales.table) % _TILE), (0, 0)))
    return Scales(scales.mode, table, scales.output)
