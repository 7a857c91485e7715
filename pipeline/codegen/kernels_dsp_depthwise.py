"""DEPTHWISE_CONV_2D for cores with DSP instructions (firmware/runtime/dsp/depthwise.h)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.codegen import kernels_dsp_cost as costs
from pipeline.codegen.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.kernels_dsp_pack import (
    DEPTHWISE_FRACTION,
    FLOOR,
    Scales,
    accumulator_range,
    clamp_mode,
    pack_scales,
    scale_constant,
    short_scale,
)
from pipeline.codegen.numeric import I64, wrap32
from pipeline.codegen.ops.conv import Geometry, geometry, order
from pipeline.codegen.overlap import Overlap
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

STRIP_ROWS = 12
"""DSP_STRIP_LINES of depthwise.h."""


def taps(g: Geometry) -> tuple[I64, I64, Scales]:
    """Weights (channels, kh, kw), start values, scales."""
    w = g.weights[0].astype(np.int64).transpose(2, 0, 1)
    flat = w.reshape(len(w), -1)
    bias = np.zeros(len(w), np.int64) if g.bias is None else g.bias.astype(np.int64)
    low, high = accumulator_range(flat, bias, g.input_zero)
    scales = pack_scales(g.multipliers, g.shifts, low, high, (g.output_zero, g.low, g.high))
    return w, wrap32(bias - g.input_zero * flat.sum(axis=1)), scales


def _image(site: Site, g: Geometry, scales: Scales) -> dict[str, Any]:
    """The fields both structs have."""
    return {
        "scales": f"(const dsp_scale_t *){site.constant('scales')}",
        "output": scales.output,
        "batches": g.input.shape[0],
        "in_height": g.input.shape[1],
        "in_width": g.input.shape[2],
        "channels": g.input.shape[3],
        "out_height": g.output.shape[1],
        "out_width": g.output.shape[2],
        "pad_top": g.padding[0],
        "pad_left": g.padding[1],
        "in_zero": g.input_zero,
    }


def slack_of(g: Geometry) -> int:
    """Bytes that words of four channels reach beyond the input."""
    return 3 if g.input.shape[3] % 4 else 0


def _macs(g: Geometry) -> int:
    return math.prod(g.output.shape) * g.kernel[0] * g.kernel[1]


@dataclass(frozen=True)
class Depthwise3x3:
    """3x3, stride 1 or 2: four channels transposed into planes of int16.

    Attributes:
        slow: lines go in the slower direction; shorter ones need less scratch.
    """

    slow: bool = False

    @property
    def name(self) -> str:
        """For people."""
        return "dsp planes, short lines" if self.slow else "dsp planes"

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
        )

    def _along(self, g: Geometry) -> int:
        return 1 - _along(g) if self.slow else _along(g)

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of kernels_dsp_cost."""
        g = geometry(graph, op)
        along = self._along(g)
        cycles = g.input.shape[3] * _channel_cost(g, along)
        in_place = g.input.shape == g.output.shape and _overlap(g, along).allows(0)
        return Cost(
            cycles=g.input.shape[0] * cycles,
            flash=(36 - 9 - 9) * g.input.shape[3],
            ram=costs.more_ram(graph, op, _strip_bytes(g, along), in_place),
        )

    def lower(self, site: Site) -> Code:
        """A call of dsp_depthwise_3x3_s8."""
        g = geometry(site.graph, site.op)
        along = self._along(g)
        w, start, scales = taps(g)
        if along == 0:
            w = w.transpose(0, 2, 1)
        table = _scaled(g, w, start, scales)
        unscaled: tuple[Constant, ...] = ()
        if table is not None:
            w, start, scale_words, apart = table
            scales = Scales(scales.mode, scale_words, {**scales.output, "scale_step": 1})
            if apart:
                unscaled = (_bits(apart, len(w)),)
        low, high = w & 0xFFFF, w << 16
        words = np.concatenate(
            [low[:, :, 0] | high[:, :, 1], low[:, :, 1] | high[:, :, 2], start[:, None]], axis=1
        )
        image = _image(site, g, scales)
        params = Initializer(
            "dsp_depthwise_3x3_t",
            {
                "weights": site.constant("weights"),
                "scales": image["scales"],
                "output": image["output"],
                "along": _axis(g, along),
                "across": _axis(g, 1 - along),
                "in_bytes": math.prod(g.input.shape[1:]),
                "out_bytes": math.prod(g.output.shape[1:]),
                "batches": g.input.shape[0],
                "channels": g.input.shape[3],
                "stride": g.stride[0],
                "scaled": table is not None,
                "unscaled": site.constant("unscaled") if unscaled else "NULL",
                "in_zero": g.input_zero,
            },
        )
        return Code(
            function="dsp_depthwise_3x3_s8",
            body=f"{params.declare()}\n"
            f"dsp_depthwise_3x3_s8(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=(
                Constant(
                    "weights",
                    "int32_t",
                    wrap32(words).astype(np.int32),
                    note="per channel: (w0,w1) of 3 lines, (w1,w2) of 3 lines, start value",
                ),
                scale_constant(scales),
                *unscaled,
            ),
            files=("dsp/depthwise.h", "dsp/depthwise_3x3.c", "dsp/requant.c"),
            scratch=_strip_bytes(g, along),
            overlaps=(_overlap(g, along),),
            slack=slack_of(g),
            encoding="dense, int16",
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
    strips = -(-lines // ((STRIP_ROWS - 3) // stride + 1))
    read = min(g.input.shape[2 - along], lines * stride) + 2 * (strips - 1)
    return (
        strips * costs.DEPTHWISE_PER_STRIP
        + read
        * (costs.DEPTHWISE_PER_READ_LINE + g.input.shape[1 + along] * costs.DEPTHWISE_PER_READ)
        + lines * (costs.DEPTHWISE_PER_LINE + outputs * costs.DEPTHWISE_3X3[stride - 1])
    )


def _along(g: Geometry) -> int:
    """Which direction lines go: 0 down the height, 1 along the width."""
    return 0 if _channel_cost(g, 0) < _channel_cost(g, 1) else 1


def _scaled(
    g: Geometry, w: I64, start: I64, plain: Scales
) -> tuple[I64, I64, I64, list[int]] | None:
    """Weights and start values with the shift in them, (multiplier, offset) per channel, and
    the channels left as they were, with their row of `plain`.

    Those are the ones where it is not exact, or where int16 does not hold it; None where no
    channel can.
    """
    output = (g.output_zero, g.low, g.high)
    if clamp_mode(output) != FLOOR:
        return None
    flat = w.reshape(len(w), -1)
    low, high = accumulator_range(flat, start + g.input_zero * flat.sum(axis=1), g.input_zero)
    base = (g.output_zero << DEPTHWISE_FRACTION) + (1 << (DEPTHWISE_FRACTION - 1))
    left = np.zeros(len(w), np.int64)
    rows = np.broadcast_to(plain.table, (len(w), 2)).copy()
    apart = []
    for c, (m, shift) in enumerate(zip(g.multipliers.tolist(), g.shifts.tolist(), strict=True)):
        scale = short_scale(m, shift, int(low[c]), int(high[c]), output, DEPTHWISE_FRACTION)
        if scale is None or int(np.abs(flat[c]).max()) << scale.left > (1 << 15) - 1:
            apart.append(c)
            continue
        left[c] = scale.left
        rows[c] = scale.multiplier, base + scale.unit // 2
    if len(apart) == len(w):
        return None
    return w << left[:, None, None], start << left, rows, apart


def _bits(channels: list[int], count: int) -> Constant:
    """A bit per channel, set for those given."""
    words = np.zeros(-(-count // 32), np.uint32)
    for c in channels:
        words[c // 32] |= np.uint32(1 << c % 32)
    return Constant("unscaled", "uint32_t", words, note="a bit per channel")


def _strip_bytes(g: Geometry, along: int) -> int:
    words = ((g.output.shape[1 + along] - 1) * g.stride[0] + 3) // 2 + 1
    return 4 * STRIP_ROWS * 4 * words


class Depthwise:
    """Any kernel, stride and dilation: four channels side by side."""

    name = "dsp 4 channels"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Depth multiplier 1."""
        return target.has("dsp") and geometry(graph, op).depth_multiplier == 1

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of kernels_dsp_cost."""
        g = geometry(graph, op)
        outputs = math.prod(g.output.shape)
        cycles = costs.DEPTHWISE_PER_MAC * _macs(g) + costs.DEPTHWISE_PER_OUTPUT * outputs
        return Cost(cycles=cycles, flash=3 * g.input.shape[3])

    def lower(self, site: Site) -> Code:
        """A call of dsp_depthwise_s8."""
        g = geometry(site.graph, site.op)
        w, start, scales = taps(g)
        channels = len(w)
        padded = -(-channels // 4) * 4
        weights = np.zeros((padded, *g.kernel), np.int8)
        weights[:channels] = w
        starts = np.zeros(padded, np.int32)
        starts[:channels] = start
        params = Initializer(
            "dsp_depthwise_t",
            {
                "weights": site.constant("weights"),
                "start": site.constant("start"),
                **_image(site, g, scales),
                "kernel_height": g.kernel[0],
                "kernel_width": g.kernel[1],
                "stride_height": g.stride[0],
                "stride_width": g.stride[1],
                "dilation_height": g.dilation[0],
                "dilation_width": g.dilation[1],
            },
        )
        return Code(
            function="dsp_depthwise_s8",
            body=f"{params.declare()}\n"
            f"dsp_depthwise_s8(&params, {site.input(0)}, {site.output()});",
            constants=(
                Constant(
                    "weights",
                    "int8_t",
                    weights.reshape(-1, 4, *g.kernel).transpose(0, 2, 3, 1),
                    align=4,
                    note="groups of 4 channels, kernel height, kernel width, 4",
                ),
                Constant("start", "int32_t", starts, note="input zero point folded in"),
                scale_constant(scales),
            ),
            files=("dsp/depthwise.h", "dsp/depthwise.c", "dsp/requant.c"),
            overlaps=(order(g).channelwise,),
            slack=slack_of(g),
            encoding="dense",
        )
