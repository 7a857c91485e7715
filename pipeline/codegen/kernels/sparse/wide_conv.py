"""Sparse CONV_2D on cores with DSP instructions: eight pixels at a time.

The other side is firmware/runtime/sparse/wide.h, which says how two pixels share a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.dsp.cost import MOST_SCRATCH, more_ram
from pipeline.codegen.kernels.dsp.pack import matrix, pack_scales, scale_constant
from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.kernels.sparse.pack import Bytes, Encoding, stream_of, takes
from pipeline.codegen.ops.conv import Geometry, geometry
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_LANES = 8
_PLACE_BYTES = 16
# Sums of two pixels share an accumulator, 23 bits apart.
_MOST_SUM = 1 << 22
# Instructions on a Cortex-M4, counted in QEMU: for a place of a tile that is gathered, for one
# that is moved, for a pair of pixels and a kernel place, for a channel of a tile, for an output,
# the more for one of a tile that has not all eight, for a tile.
_PER_PLACE = 22.5
_PER_MOVED = 3.0
_PER_PIXEL_PAIR = 28.5
_PER_CHANNEL = 65.0
_PER_OUTPUT = 7.5
_PER_ODD_OUTPUT = 7.0
_PER_TILE = 60.0
# Bytes of code that the first layer of a program brings.
_CODE_BYTES = 1000


@dataclass(frozen=True)
class Axis:
    """One dimension of a convolution, as sparse_axis_t; steps are in bytes."""

    size: int
    out: int
    kernel: int
    pad: int
    stride: int
    dilation: int
    in_step: int
    out_step: int

    def fields(self) -> dict[str, int]:
        """Fields of sparse_axis_t."""
        return {
            "in": self.size,
            "out": self.out,
            "kernel": self.kernel,
            "pad": self.pad,
            "stride": self.stride,
            "dilation": self.dilation,
            "in_step": self.in_step,
            "out_step": self.out_step,
        }


@dataclass(frozen=True)
class Walk:
    """How tiles of eight lanes go over the image.

    Attributes:
        line, lane: along a tile's way, and across it.
        batches: images.
        swapped: lines are columns; the weights' kernel dimensions change places.
    """

    line: Axis
    lane: Axis
    batches: int
    swapped: bool

    @property
    def tiles(self) -> int:
        """Tiles of a line."""
        return -(-self.lane.out // _LANES)


def walk_of(g: Geometry) -> Walk:
    """Lanes along the dimension that wastes fewer of them; of a pixelwise layer along both."""
    batches, height, width, channels = g.input.shape
    _, out_height, out_width, outputs = g.output.shape
    if g.kernel == (1, 1) and g.stride == (1, 1):
        pixels = batches * height * width
        lane = Axis(pixels, pixels, 1, 0, 1, 1, channels, outputs)
        return Walk(Axis(1, 1, 1, 0, 1, 1, 0, 0), lane, 1, False)
    sizes, outs = (height, width), (out_height, out_width)
    in_steps, out_steps = (width * channels, channels), (out_width * outputs, outputs)
    rows, columns = (
        Axis(
            sizes[i],
            outs[i],
            g.kernel[i],
            g.padding[i],
            g.stride[i],
            g.dilation[i],
            in_steps[i],
            out_steps[i],
        )
        for i in (0, 1)
    )
    across, along = Walk(rows, columns, batches, False), Walk(columns, rows, batches, True)
    return min(across, along, key=lambda w: w.tiles * w.line.out)


def _swapped(weights: NDArray[Any], g: Geometry) -> NDArray[Any]:
    """(channels, K) with kernel columns before kernel rows."""
    by_place = weights.reshape(len(weights), *g.kernel, -1)
    return by_place.transpose(0, 2, 1, 3).reshape(weights.shape)


def _exact(graph: Graph, op: Op) -> bool:
    """No sum of a channel leaves its 23 bits."""
    _, _, low, high = matrix(geometry(graph, op))
    return bool(low.min() >= -_MOST_SUM and high.max() < _MOST_SUM)


@dataclass(frozen=True)
class SparseWide:
    """A convolution in one encoding.

    Attributes:
        encoding: of the weights.
        kept: fields that the next line reads too stay gathered, in scratch for twice as many.
    """

    encoding: Encoding
    kept: bool

    @property
    def name(self) -> str:
        """For people."""
        return f"sparse {self.encoding.name}, 8 pixels{', kept fields' if self.kept else ''}"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Enough zeros, sums of 23 bits, and fields that overlap where they are to be kept."""
        if not target.has("dsp") or not takes(self.encoding, graph, op):
            return False
        walk = walk_of(geometry(graph, op))
        line = walk.line
        overlap = line.kernel > line.stride and line.dilation == 1 and line.out > 1
        if self.kept and not overlap:
            return False
        return self._scratch(graph, op, walk) <= MOST_SCRATCH and _exact(graph, op)

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """Bytes are counted against those of the dense weights."""
        g = geometry(graph, op)
        walk = walk_of(g)
        stream = self._pack(g, walk)
        channels, inputs = g.output.shape[3], g.input.shape[3]
        places = g.kernel[0] * g.kernel[1] * inputs
        stored = self.encoding.stored(stream.size, channels, places)
        tiles = walk.batches * walk.line.out * walk.tiles
        lines: float = walk.line.kernel
        moved = 0.0
        if self.kept:
            lines = walk.line.stride + (walk.line.kernel - walk.line.stride) / walk.line.out
            moved = (walk.line.kernel - walk.line.stride) * walk.line.stride / walk.line.kernel
        by_line = walk.lane.kernel * inputs
        cycles = (
            tiles
            * (
                _PER_TILE
                + lines * (by_line * _PER_PLACE + walk.lane.kernel * _LANES / 2 * _PER_PIXEL_PAIR)
                + moved * by_line * _PER_MOVED
                + channels * _PER_CHANNEL
                + stored * self.encoding.per_weight8
                + channels * places * self.encoding.per_place8
            )
            + _PER_OUTPUT * channels * walk.batches * walk.line.out * walk.lane.out
        )
        return Cost(
            cycles=float(cycles),
            flash=stream.size - channels * places + 3 * channels + _CODE_BYTES // 4,
            ram=more_ram(graph, op, self._scratch(graph, op, walk)),
        )

    def lower(self, site: Site) -> Code:
        """A call of sparse_wide_conv_s8."""
        g = geometry(site.graph, site.op)
        walk = walk_of(g)
        _, start, low, high = matrix(g)
        scales = pack_scales(g.multipliers, g.shifts, low, high, (g.output_zero, g.low, g.high))
        name = self.encoding.name
        params = Initializer(
            "sparse_wide_conv_t",
            {
                "line": walk.line.fields(),
                "lane": walk.lane.fields(),
                "batches": walk.batches,
                "in_batch": int(np.prod(g.input.shape[1:])),
                "out_batch": int(np.prod(g.output.shape[1:])),
                "in_channels": g.input.shape[3],
                "out_channels": g.output.shape[3],
                "slots": self._slots(walk),
                "input_zero": g.input_zero,
                "stream": site.constant("weights"),
                "bias": site.constant("bias"),
                "scales": f"(const dsp_scale_t *){site.constant('scales')}",
                "output": scales.output,
                "dot8": f"sparse_{name}_dot8",
            },
        )
        function = "sparse_wide_conv_s8"
        return Code(
            function=function,
            body=f"{params.declare()}\n"
            f"{function}(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=(
                Constant("weights", "uint8_t", self._pack(g, walk), note=f"{name} of the weights"),
                Constant("bias", "int32_t", start.astype(np.int32), note="input zero point in it"),
                scale_constant(scales),
            ),
            files=(
                "sparse/wide.h",
                "sparse/wide_conv.c",
                f"sparse/wide_{name}.c",
                "dsp/requant.c",
            ),
            scratch=self._scratch(site.graph, site.op, walk),
            encoding=name,
        )

    def _slots(self, walk: Walk) -> int:
        return walk.line.kernel * (2 if self.kept else 1)

    def _scratch(self, graph: Graph, op: Op, walk: Walk) -> int:
        inputs = graph.tensors[op.inputs[0]].shape[3]
        return _PLACE_BYTES * self._slots(walk) * walk.lane.kernel * inputs + -(-inputs // 4) * 4

    def _pack(self, g: Geometry, walk: Walk) -> Bytes:
        weights = g.weights.reshape(g.weights.shape[0], -1)
        return stream_of(self.encoding, _swapped(weights, g) if walk.swapped else weights)
