"""DEPTHWISE_CONV_2D of 3x3 for cores with DSP instructions (dsp/depthwise_3x3.c)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipeline.codegen.kernels.dsp import cost as costs
from pipeline.codegen.kernels.dsp.depthwise import image_fields, slack_of, taps
from pipeline.codegen.kernels.dsp.pack import (
    DEPTHWISE_FRACTION,
    FLOOR,
    FRACTION,
    WIDE,
    Scale,
    Scales,
    accumulator_range,
    clamp_mode,
    scale_constant,
    short_scale,
)
from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.memory.overlap import Overlap
from pipeline.codegen.numeric import I64, wrap32
from pipeline.codegen.ops.conv import Geometry, geometry, order
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

STRIP_ROWS = 12
"""DSP_STRIP_LINES of depthwise.h."""
# DSP_DEPTHWISE_3X3_BYTES, _LEFT, _UNIT and _SCALED.
_PACKED_BYTES = 18
_LEFT, _UNIT, _SCALED = 31, 32, 64


@dataclass(frozen=True)
class Depthwise3x3:
    """3x3, stride 1 or 2: four channels transposed into planes of int16.

    Attributes:
        slow: lines go in the slower direction; shorter ones need less scratch.
        packed: constants take half the flash, and are unpacked for every strip of a channel.
    """

    slow: bool = False
    packed: bool = False

    @property
    def name(self) -> str:
        """For people."""
        words = ["dsp planes"]
        if self.slow:
            words.append("short lines")
        if self.packed:
            words.append("packed")
        return ", ".join(words)

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """3x3 without dilation and depth multiplier."""
        g = geometry(graph, op)
        return (
            target.has("dsp")
            and g.depth_multiplier == 1
            and g.kernel == (3, 3)
            and g.dilation == (1, 1)
            and g.stride in ((1, 1), (2, 2))
            and g.input.shape[2] * g.input.shape[3] < 1 << 16
            and not (self.slow and _strip_bytes(g, _along(g)) <= _strip_bytes(g, 1 - _along(g)))
            and not (self.packed and taps(g)[2].mode == WIDE)
        )

    def _along(self, g: Geometry) -> int:
        return 1 - _along(g) if self.slow else _along(g)

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        g = geometry(graph, op)
        along = self._along(g)
        each = _channel_cost(g, along)
        if self.packed:
            each += _strips(g, along) * costs.DEPTHWISE_3X3_UNPACK
        in_place = g.input.shape == g.output.shape and _overlap(g, along).allows(0)
        return Cost(
            cycles=g.input.shape[0] * g.input.shape[3] * each,
            flash=((_PACKED_BYTES if self.packed else 36) - 9 - 9) * g.input.shape[3],
            ram=costs.more_ram(graph, op, _strip_bytes(g, along), in_place),
        )

    def lower(self, site: Site) -> Code:
        """A call of dsp_depthwise_3x3_s8."""
        g = geometry(site.graph, site.op)
        along = self._along(g)
        w, start, scales = taps(g)
        if along == 0:
            w = w.transpose(0, 2, 1)
        shifts = _shifts(g, w, start)
        constants = (
            _packed(w, start, scales, shifts) if self.packed else _words(w, start, scales, shifts)
        )
        named = {c.name: site.constant(c.name) for c in constants}
        image = image_fields(site, g, scales)
        output = (
            scales.output if self.packed or not any(shifts) else {**scales.output, "scale_step": 1}
        )
        params = Initializer(
            "dsp_depthwise_3x3_t",
            {
                "unpack": "dsp_depthwise_3x3_unpack" if self.packed else "NULL",
                "weights": named.get("weights", "NULL"),
                "scales": image["scales"] if "scales" in named else "NULL",
                "bytes": named.get("bytes", "NULL"),
                "output": output,
                "along": _axis(g, along),
                "across": _axis(g, 1 - along),
                "in_bytes": math.prod(g.input.shape[1:]),
                "out_bytes": math.prod(g.output.shape[1:]),
                "batches": g.input.shape[0],
                "channels": g.input.shape[3],
                "stride": g.stride[0],
                "scaled": any(shifts),
                "unscaled": named.get("unscaled", "NULL"),
                "in_zero": g.input_zero,
            },
        )
        return Code(
            function="dsp_depthwise_3x3_s8",
            body=f"{params.declare()}\n"
            f"dsp_depthwise_3x3_s8(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=constants,
            files=(
                "dsp/depthwise.h",
                "dsp/depthwise_3x3.c",
                *(("dsp/depthwise_3x3_unpack.c",) if self.packed else ()),
                "dsp/requant.c",
            ),
            scratch=_strip_bytes(g, along),
            overlaps=(_overlap(g, along),),
            slack=slack_of(g),
            encoding="dense" if self.packed else "dense, int16",
        )


def _overlap(g: Geometry, along: int) -> Overlap:
    """All lines of a strip's channel are in the planes before its first output is written."""
    strip = (STRIP_ROWS - 3) // g.stride[0] + 1
    if along == 1:
        return order(g).channelwise_by_rows(strip)
    if g.output.shape[2] <= strip:
        return order(g).channelwise_by_rows(g.output.shape[1])
    return Overlap(0, order(g).by_rows(g.output.shape[1], mixed=True))


def _axis(g: Geometry, axis: int) -> dict[str, int]:
    """dsp_axis_t of the height (0) or the width (1)."""
    channels = g.input.shape[3]
    return {
        "in": g.input.shape[1 + axis],
        "out": g.output.shape[1 + axis],
        "in_step": channels * (g.input.shape[2] if axis == 0 else 1),
        "out_step": channels * (g.output.shape[2] if axis == 0 else 1),
        "pad": g.padding[axis],
    }


def _channel_cost(g: Geometry, along: int) -> float:
    """Instructions a channel takes with lines along the height (0) or the width (1)."""
    stride = g.stride[0]
    outputs, lines = g.output.shape[1 + along], g.output.shape[2 - along]
    strips = _strips(g, along)
    read = min(g.input.shape[2 - along], lines * stride) + 2 * (strips - 1)
    each = costs.DEPTHWISE_3X3[stride - 1]
    if clamp_mode((g.output_zero, g.low, g.high)) != FLOOR:
        each += costs.DEPTHWISE_3X3_SIGN
    return (
        strips * costs.DEPTHWISE_PER_STRIP
        + read
        * (costs.DEPTHWISE_PER_READ_LINE + g.input.shape[1 + along] * costs.DEPTHWISE_PER_READ)
        + lines * (costs.DEPTHWISE_PER_LINE + outputs * each)
    )


def _strips(g: Geometry, along: int) -> int:
    return -(-g.output.shape[2 - along] // ((STRIP_ROWS - 3) // g.stride[0] + 1))


def _along(g: Geometry) -> int:
    """Which direction lines go: 0 down the height, 1 along the width."""
    return 0 if _channel_cost(g, 0) < _channel_cost(g, 1) else 1


def _shifts(g: Geometry, w: I64, start: I64) -> list[Scale | None]:
    """For each channel the requantisation whose shift weights and start value can carry.

    None where it is not exact, or where int16 does not hold a shifted weight.
    """
    output = (g.output_zero, g.low, g.high)
    if clamp_mode(output) != FLOOR:
        return [None] * len(w)
    flat = w.reshape(len(w), -1)
    low, high = accumulator_range(flat, start + g.input_zero * flat.sum(axis=1), g.input_zero)
    found: list[Scale | None] = []
    for c, (m, shift) in enumerate(zip(g.multipliers.tolist(), g.shifts.tolist(), strict=True)):
        scale = short_scale(m, shift, int(low[c]), int(high[c]), output, DEPTHWISE_FRACTION)
        if scale is not None and int(np.abs(flat[c]).max()) << scale.left > (1 << 15) - 1:
            scale = None
        found.append(scale)
    return found


def _words(w: I64, start: I64, scales: Scales, shifts: list[Scale | None]) -> tuple[Constant, ...]:
    """The constants as the kernel wants them."""
    rows, apart = scales.table, []
    if any(shifts):
        rows = np.broadcast_to(rows, (len(w), 2)).copy()
        base = scales.output["base"] >> (FRACTION - DEPTHWISE_FRACTION)
        left = np.array([0 if s is None else s.left for s in shifts], np.int64)
        w, start = w << left[:, None, None], start << left
        for c, scale in enumerate(shifts):
            if scale is None:
                apart.append(c)
            else:
                rows[c] = scale.multiplier, base + scale.unit // 2
    low, high = w & 0xFFFF, w << 16
    words = np.concatenate(
        [low[:, :, 0] | high[:, :, 1], low[:, :, 1] | high[:, :, 2], start[:, None]], axis=1
    )
    note = "per channel: (w0,w1) of 3 lines, (w1,w2) of 3 lines, start value"
    return (
        Constant("weights", "int32_t", wrap32(words).astype(np.int32), note=note),
        scale_constant(Scales(scales.mode, rows, scales.output)),
        *((_bits(apart, len(w)),) if apart else ()),
    )


def _packed(w: I64, start: I64, scales: Scales, shifts: list[Scale | None]) -> tuple[Constant, ...]:
    """The constants in _PACKED_BYTES a channel."""
    rows = np.broadcast_to(scales.table, (len(w), 2)).copy()
    codes = np.where(rows[:, 1] >> 8 != 0, rows[:, 1] & _LEFT | _UNIT, rows[:, 1] & _LEFT)
    for c, scale in enumerate(shifts):
        if scale is not None:
            rows[c, 0] = scale.multiplier
            codes[c] = scale.left | (_UNIT if scale.unit else 0) | _SCALED
    words = np.stack([start, rows[:, 0]], axis=1).astype("<i4").view(np.int8)
    flat = w.reshape(len(w), -1)
    values = np.concatenate([words, flat.astype(np.int8), codes[:, None].astype(np.int8)], axis=1)
    assert values.shape == (len(w), _PACKED_BYTES)
    note = "per channel: start value, multiplier, 3 lines of 3 weights, what is to be shifted"
    return (Constant("bytes", "int8_t", values, align=4, note=note),)


def _bits(channels: list[int], count: int) -> Constant:
    """A bit per channel, set for those given."""
    words = np.zeros(-(-count // 32), np.uint32)
    for c in channels:
        words[c // 32] |= np.uint32(1 << c % 32)
    return Constant("unscaled", "uint32_t", words, note="a bit per channel")


def _strip_bytes(g: Geometry, along: int) -> int:
    words = ((g.output.shape[1 + along] - 1) * g.stride[0] + 3) // 2 + 1
    return 4 * STRIP_ROWS * 4 * words
