"""CONV_2D 3x3 by Winograd's F(2x2, 3x3), for cores with DSP instructions (dsp/winograd.h)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.codegen.kernels.dsp import cost as costs
from pipeline.codegen.kernels.dsp.pack import WIDE, Scales, matrix, pack_scales, scale_constant
from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.memory.overlap import Overlap
from pipeline.codegen.numeric import wrap32
from pipeline.codegen.ops.conv import Geometry, geometry, order
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_MOST_INPUTS = 512
"""More channels could overflow a product: |V| <= 512, |U| <= 1143."""


@dataclass(frozen=True)
class Winograd:
    """What is kept in memory at a time decides between work done again and scratch bytes.

    Attributes:
        slice: output channels whose transformed weights are held; 0: all.
        group: blocks of four tiles whose transformed inputs are held; 0: all.
        rows: a group is a row of tiles, and the output may take the input's place.
    """

    slice: int
    group: int
    rows: bool = False

    @property
    def name(self) -> str:
        """For people."""
        held = "a row" if self.rows else f"{self.group or 'all'} blocks"
        return f"dsp winograd, {self.slice or 'all'} channels, {held}"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """3x3, stride 1, whole groups of channels."""
        g = geometry(graph, op)
        inputs, outputs = g.input.shape[3], g.output.shape[3]
        if not (
            target.has("dsp")
            and g.groups == 1
            and (g.kernel, g.stride, g.dilation) == ((3, 3), (1, 1), (1, 1))
            and inputs % 4 == 0
            and inputs <= _MOST_INPUTS
            and outputs % 2 == 0
            and self.slice < outputs
            and _scratch(g, *self._sizes(g), self.rows) <= costs.MOST_SCRATCH
            and _scales(g).mode != WIDE
        ):
            return False
        blocks = _blocks(g)
        if self.rows:
            row = -(-g.output.shape[2] // 2)
            return row % 4 == 0 and g.input.shape == g.output.shape and g.padding[0] == 1
        return self.group < blocks

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        g = geometry(graph, op)
        inputs, outputs = g.input.shape[3], g.output.shape[3]
        held, group = self._sizes(g)
        blocks = _blocks(g)
        again = -(-outputs // held) if group < blocks else 1
        cycles = costs.winograd(inputs, outputs, blocks, again)
        ram = costs.more_ram(graph, op, _scratch(g, held, group, self.rows), self.rows)
        return Cost(g.input.shape[0] * cycles, flash=costs.WINOGRAD_CODE, ram=ram)

    def _sizes(self, g: Geometry) -> tuple[int, int]:
        """Channels held, and blocks held."""
        if self.rows:
            return g.output.shape[3], (g.output.shape[2] + 1) // 2 // 4
        return self.slice or g.output.shape[3], self.group or _blocks(g)

    def _overlap(self, g: Geometry) -> Overlap:
        """A group of tiles is read before it is written; for each slice of channels anew."""
        held, group = self._sizes(g)
        if self.rows:
            return Overlap(0, 0)  # the row that is read again is kept
        if held < g.output.shape[3] and group < _blocks(g):
            return Overlap(0, order(g).by_rows(g.output.shape[1], mixed=True))
        return Overlap(0, order(g).by_tiles(2, 4 * group))

    def lower(self, site: Site) -> Code:
        """A call of dsp_winograd_3x3_s8."""
        g = geometry(site.graph, site.op)
        _, start, _, _ = matrix(g)
        scales = _scales(g)
        held, group = self._sizes(g)
        params = Initializer(
            "dsp_winograd_t",
            {
                "weights": site.constant("weights"),
                "start": site.constant("start"),
                "scales": f"(const dsp_scale_t *){site.constant('scales')}",
                "output": scales.output,
                "batches": g.input.shape[0],
                "in_height": g.input.shape[1],
                "in_width": g.input.shape[2],
                "in_channels": g.input.shape[3],
                "out_height": g.output.shape[1],
                "out_width": g.output.shape[2],
                "out_channels": g.output.shape[3],
                "pad_top": g.padding[0],
                "pad_left": g.padding[1],
                "in_zero": g.input_zero,
                "in_place": self.rows,
                "slice": held,
                "group": group,
            },
        )
        return Code(
            function="dsp_winograd_3x3_s8",
            body=f"{params.declare()}\n"
            f"dsp_winograd_3x3_s8(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=(
                Constant(
                    "weights", "int8_t", g.weights, align=4, note="outputs, height, width, inputs"
                ),
                Constant("start", "int32_t", wrap32(4 * start).astype(np.int32)),
                scale_constant(scales),
            ),
            files=(
                "dsp/winograd.h",
                "dsp/winograd.c",
                "dsp/winograd_product.c",
                "dsp/requant.c",
            ),
            scratch=_scratch(g, held, group, self.rows),
            overlaps=(self._overlap(g),),
            encoding="dense",
        )


def _blocks(g: Geometry) -> int:
    """Blocks of four tiles of 2x2 outputs."""
    return -(-(-(-g.output.shape[1] // 2) * -(-g.output.shape[2] // 2)) // 4)


def _scratch(g: Geometry, held: int, group: int, rows: bool) -> int:
    inputs = g.input.shape[3]
    row = g.input.shape[2] * inputs if rows else 0
    return 32 * inputs * held + 128 * inputs * group + 512 + row + g.output.shape[3]


def _scales(g: Geometry) -> Scales:
    """Those of a convolution, for accumulators four times as large."""
    _, _, low, high = matrix(g)
    scales = pack_scales(g.multipliers, g.shifts, low, high, (g.output_zero, g.low, g.high))
    if scales.mode == WIDE:
        return scales
    # Two bits less of shift; a channel that is always the zero point has none.
    table = scales.table - np.stack(
        [np.zeros(len(scales.table), np.int64), np.where(scales.table[:, 0] != 0, 2, 0)], axis=1
    )
    return Scales(scales.mode, table, scales.output)


VARIANTS = [
    Winograd(0, 0, rows=True),
    *(Winograd(held, group) for held in (0, 32, 16, 8, 4, 2) for group in (0, 1, 2, 4)),
]
"""Every way to trade memory for work that is tried."""
