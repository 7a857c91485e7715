"""DEPTHWISE_CONV_2D for cores without SIMD (firmware/runtime/scalar/depthwise.h)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.kernels.scalar import cost as costs
from pipeline.codegen.kernels.scalar.conv import family, takes
from pipeline.codegen.kernels.scalar.pack import matrix
from pipeline.codegen.memory.overlap import Overlap
from pipeline.codegen.ops.conv import Geometry, geometry, order
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_WIDE = {3: "3_wide", 5: "5_wide"}
_PLANE_BYTES = 2048
"""Planes are kept below it where one output row allows."""


@dataclass(frozen=True)
class Axis:
    """One direction of the image, as scalar_axis_t; steps are in bytes."""

    size: int
    out: int
    in_step: int
    out_step: int
    kernel: int
    stride: int
    dilation: int
    pad: int

    @property
    def reach(self) -> int:
        """Pixels from the first to the last of a field."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def fields(self) -> dict[str, int]:
        """Of scalar_axis_t."""
        return {
            "in": self.size,
            "out": self.out,
            "in_step": self.in_step,
            "out_step": self.out_step,
            "kernel": self.kernel,
            "stride": self.stride,
            "dilation": self.dilation,
            "pad": self.pad,
        }


def _axis(g: Geometry, i: int) -> Axis:
    """The image's height (0) or width (1)."""
    pixels_in, pixels_out = ((t.shape[2] if i == 0 else 1) for t in (g.input, g.output))
    return Axis(
        size=g.input.shape[1 + i],
        out=g.output.shape[1 + i],
        in_step=pixels_in * g.input.shape[3],
        out_step=pixels_out * g.output.shape[3],
        kernel=g.kernel[i],
        stride=g.stride[i],
        dilation=g.dilation[i],
        pad=g.padding[i],
    )


@dataclass(frozen=True)
class Plane:
    """How a layer is cut: `along` are lines of the plane, `strip` output lines use one."""

    along: Axis
    across: Axis
    turned: bool
    strip: int
    lines: int
    pitch: int


def _plane(g: Geometry) -> Plane:
    across, along = _axis(g, 0), _axis(g, 1)
    turned = across.out > along.out
    if turned:
        across, along = along, across
    pitch = (along.out - 1) * along.stride + max(along.reach, along.stride)
    lines = (_PLANE_BYTES // pitch - across.reach) // across.stride + 1
    strips = math.ceil(across.out / min(across.out, max(1, lines)))
    strip = math.ceil(across.out / strips)
    return Plane(along, across, turned, strip, (strip - 1) * across.stride + across.reach, pitch)


def _overlap(g: Geometry, plane: Plane) -> Overlap:
    """A channel of a strip is in the plane before its first output is written."""
    rows = g.output.shape[1] if plane.turned else plane.strip
    if g.depth_multiplier > 1 or (plane.turned and plane.strip < plane.across.out):
        return Overlap(0, order(g).by_rows(rows, mixed=True))
    return order(g).channelwise_by_rows(rows)


def _field(plane: Plane, output: dict[str, Any]) -> str:
    """The function for all outputs of a channel."""
    along, across = plane.along, plane.across
    dense = (along.kernel, across.kernel, along.dilation, across.dilation) == (3, 3, 1, 1)
    if dense and not output["special"]:
        return f"scalar_depthwise_3x3_{'rectified' if output['rectified'] else 'plain'}"
    return f"scalar_depthwise_{_WIDE.get(along.kernel, 'any')}"


class Depthwise:
    """One channel at a time, from a padded plane."""

    name = "scalar plane"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Any depthwise convolution."""
        return takes(graph, op, target)

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        g = geometry(graph, op)
        plane = _plane(g)
        outputs, taps = math.prod(g.output.shape), math.prod(g.kernel)
        return Cost(
            cycles=costs.depthwise(family(target), outputs, taps),
            flash=4 * g.output.shape[3],
            ram=plane.lines * plane.pitch,
        )

    def lower(self, site: Site) -> Code:
        """A call of scalar_depthwise_s8."""
        g = geometry(site.graph, site.op)
        plane = _plane(g)
        taps = g.weights[0].astype(np.int64)
        if plane.turned:
            taps = taps.transpose(1, 0, 2)
        weights = taps.reshape(-1, g.output.shape[3]).T
        bias = np.zeros(len(weights), np.int64) if g.bias is None else g.bias.astype(np.int64)
        m = matrix(
            weights,
            bias,
            g.input_zero,
            g.multipliers,
            g.shifts,
            (g.output_zero, g.low, g.high),
        )
        params = Initializer(
            "scalar_depthwise_t",
            {
                "field": _field(plane, m.output),
                "weights": site.constant("weights"),
                "bias": site.constant("bias"),
                "scales": f"(const scalar_scale_t *){site.constant('scales')}",
                "output": m.output,
                "along": plane.along.fields,
                "across": plane.across.fields,
                "in_bytes": math.prod(g.input.shape[1:]),
                "out_bytes": math.prod(g.output.shape[1:]),
                "batches": g.input.shape[0],
                "channels": g.output.shape[3],
                "multiplier": g.depth_multiplier,
                "strip": plane.strip,
                "plane_lines": plane.lines,
                "plane_pitch": plane.pitch,
                "in_zero": g.input_zero,
            },
        )
        return Code(
            function="scalar_depthwise_s8",
            body=f"{params.declare()}\n"
            f"scalar_depthwise_s8(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=(
                Constant("weights", "int8_t", weights, note="channels, kernel across, along"),
                Constant("bias", "int32_t", m.bias, note="input zero point folded in"),
                Constant("scales", "int32_t", m.scales, note="multiplier, shift"),
            ),
            files=("scalar/depthwise.h", "scalar/depthwise.c", "scalar/requant.c"),
            scratch=plane.lines * plane.pitch,
            overlaps=(_overlap(g, plane),),
            encoding="dense, by channel",
        )
