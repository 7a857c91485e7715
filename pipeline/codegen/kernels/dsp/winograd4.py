"""CONV_2D 3x3 by Winograd's F(4x4, 3x3), for cores with DSP instructions (dsp/winograd4.h)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.codegen.kernels.dsp import cost as costs
from pipeline.codegen.kernels.dsp.pack import CLAMP, FLOOR, clamp_mode, matrix, short_scale
from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.memory.overlap import Overlap
from pipeline.codegen.numeric import I64, wrap32
from pipeline.codegen.ops.conv import Geometry, geometry, order
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_FREQUENCIES = 36
_FRACTION = 17
"""DSP_WINOGRAD4_FRACTION."""
_SPARE = 6
"""The outputs come multiplied by 9 * 2^6."""
_INVERSE_OF_9 = pow(9, -1, 1 << 32)


@dataclass(frozen=True)
class Winograd4:
    """What is kept in memory at a time decides between work done again and scratch bytes.

    Attributes:
        slice: output channels whose transformed weights are held; 0: all.
        group: blocks of four tiles whose transformed inputs are held; 0: all.
        rows: a group is `group` rows of tiles, and the output may take the input's place.
    """

    slice: int
    group: int
    rows: bool = False

    @property
    def name(self) -> str:
        """For people."""
        held = f"{self.group or 'all'} {'rows' if self.rows else 'blocks'}"
        return f"dsp winograd 4x4, {self.slice or 'all'} channels, {held}"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """3x3, stride 1, whole groups of channels, scales that the short form holds."""
        g = geometry(graph, op)
        inputs, outputs = g.input.shape[3], g.output.shape[3]
        if not (
            target.has("dsp")
            and g.groups == 1
            and (g.kernel, g.stride, g.dilation) == ((3, 3), (1, 1), (1, 1))
            and inputs % 4 == 0
            and outputs % 2 == 0
            and self.slice < outputs
            and _scratch(g, *self._sizes(g), self.rows) <= costs.MOST_SCRATCH
        ):
            return False
        if self.rows:
            if g.input.shape != g.output.shape or g.padding[0] != 1:
                return False
        elif self.group * 4 >= _tiles(g):
            return False
        return _scales(g) is not None

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        g = geometry(graph, op)
        inputs, outputs = g.input.shape[3], g.output.shape[3]
        held, group = self._sizes(g)
        groups = -(-_tiles(g) // group)
        blocks = groups * -(-group // 4)
        again = groups if held < outputs else 1
        cycles = costs.winograd4(inputs, outputs, (blocks, _tiles(g)), again)
        ram = costs.more_ram(graph, op, _scratch(g, held, group, self.rows), self.rows)
        flash = 11 * outputs + costs.WINOGRAD4_CODE
        return Cost(g.input.shape[0] * cycles, flash=flash, ram=ram)

    def _sizes(self, g: Geometry) -> tuple[int, int]:
        """Channels held, and tiles held."""
        held = self.slice or g.output.shape[3]
        if self.rows:
            return held, self.group * -(-g.output.shape[2] // 4)
        return held, 4 * self.group or _tiles(g)

    def _overlap(self, g: Geometry) -> Overlap:
        """A group of tiles is read before it is written."""
        if self.rows:
            return Overlap(0, 0)  # the row that is read again is kept
        return Overlap(0, order(g).by_tiles(4, self._sizes(g)[1]))

    def lower(self, site: Site) -> Code:
        """A call of dsp_winograd4_3x3_s8."""
        g = geometry(site.graph, site.op)
        scales = _scales(g)
        assert scales is not None
        held, group = self._sizes(g)
        params = Initializer(
            "dsp_winograd4_t",
            {
                "weights": site.constant("weights"),
                "scales": f"(const dsp_winograd4_scale_t *){site.constant('scales')}",
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
                "sign": clamp_mode((g.output_zero, g.low, g.high)) != FLOOR,
                "slice": held,
                "group": group,
            },
        )
        return Code(
            function="dsp_winograd4_3x3_s8",
            body=f"{params.declare()}\n"
            f"dsp_winograd4_3x3_s8(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=(
                Constant(
                    "weights", "int8_t", g.weights, align=4, note="outputs, height, width, inputs"
                ),
                Constant(
                    "scales",
                    "int32_t",
                    scales.astype(np.int32),
                    note="start, shift, multiplier, offset, unit",
                ),
            ),
            files=(
                "dsp/winograd4.h",
                "dsp/winograd4.c",
                "dsp/winograd4_input.c",
                "dsp/winograd4_output.c",
                "dsp/winograd_product.c",
            ),
            scratch=_scratch(g, held, group, self.rows),
            overlaps=(self._overlap(g),),
            encoding="dense",
        )


def _tiles(g: Geometry) -> int:
    """Tiles of 4x4 outputs."""
    return -(-g.output.shape[1] // 4) * -(-g.output.shape[2] // 4)


def _scratch(g: Geometry, held: int, group: int, rows: bool) -> int:
    inputs = g.input.shape[3]
    row = g.input.shape[2] * inputs if rows else 0
    transformed = 2 * _FREQUENCIES * inputs * (held + 4 * -(-group // 4))
    return transformed + 32 * _FREQUENCIES + row


def _scales(g: Geometry) -> I64 | None:
    """(channels, 5): dsp_winograd4_scale_t; None where the short form is not exact."""
    output = (g.output_zero, g.low, g.high)
    if clamp_mode(output) == CLAMP:
        return None
    _, start, low, high = matrix(g)
    base = (g.output_zero << _FRACTION) + (1 << (_FRACTION - 1))
    rows = []
    for c, (m, shift) in enumerate(zip(g.multipliers.tolist(), g.shifts.tolist(), strict=True)):
        scale = short_scale(
            m, shift, int(low[c]), int(high[c]), output, _FRACTION, _FRACTION + 1 - _SPARE
        )
        if scale is None:
            return None
        factor = _INVERSE_OF_9 << max(scale.left - _SPARE, 0) if scale.multiplier else 0
        rows.append(
            (36 * int(start[c]), factor, scale.multiplier, base + scale.unit // 2, scale.unit)
        )
    return wrap32(np.array(rows, dtype=object)).astype(np.int64)


VARIANTS = [
    *(Winograd4(held, rows, rows=True) for held in (0, 2, 8) for rows in (1, 2)),
    *(Winograd4(held, group) for held in (0, 2, 8, 32) for group in (0, 1, 2, 4)),
]
"""Every way to trade memory for work that is tried."""
