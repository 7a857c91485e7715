"""CONV_2D and FULLY_CONNECTED for cores without SIMD (firmware/runtime/scalar)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.kernels.scalar import cost as costs
from pipeline.codegen.kernels.scalar.pack import (
    Matrix,
    lanes_fit,
    matrix,
    pack_blocks,
    pack_bytes,
    pack_lanes,
    pack_wide,
)
from pipeline.codegen.memory.overlap import Overlap, Window
from pipeline.codegen.numeric import I64
from pipeline.codegen.ops.conv import geometry
from pipeline.codegen.ops.fully_connected import dense
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op


@dataclass(frozen=True)
class Tile:
    """One of the ways to multiply of gemm.h.

    Attributes:
        name: of its file, and of its scalar_tile_t.
        pixels: that it computes at a time.
        words: of scratch for K.
        pack: (channels, K) weights -> its stream.
        fits: whether it is exact for these weights.
        cores: families of cores it was made for.
    """

    name: str
    pixels: int
    words: Callable[[int], int]
    pack: Callable[[I64], NDArray[Any]]
    fits: Callable[[I64], bool]
    cores: tuple[str, ...]


def _even(k: int) -> int:
    return k + k % 2


def _by_four(weights: I64) -> NDArray[Any]:
    return pack_bytes(weights, 4, 2)


def _by_two(weights: I64) -> NDArray[Any]:
    return pack_bytes(weights, 2, 1)


def _always(weights: I64) -> bool:
    return True


TILES = (
    Tile("4px_wide", 4, lambda k: 2 * k, _by_two, _always, ("m3",)),
    Tile("1px_wide", 1, lambda k: _even(k) + 1, pack_wide, _always, ("m3",)),
    Tile("4px_lanes", 4, lambda k: 2 * _even(k), _by_four, lanes_fit, ("rv32",)),
    Tile("1px_lanes", 1, lambda k: _even(k) // 2 * 3, pack_lanes, lanes_fit, ("m0",)),
    Tile("1px_blocks", 1, lambda k: -(-k // 4) * 7, pack_blocks, lanes_fit, ("rv32",)),
)


def family(target: Target) -> str:
    """Which scalar cores the target is one of: "m3", "m0", "rv32", or none ("")."""
    if target.core in ("cortex-m3",):
        return "m3"
    if target.core in ("cortex-m0", "cortex-m0plus", "cortex-m1", "cortex-m23"):
        return "m0"
    if target.core.startswith(("rv32im", "rv32em", "rv32g")):
        return "rv32"
    return ""


def takes(graph: Graph, op: Op, target: Target) -> bool:
    """A scalar core, and int8 data that the kernels' 16-bit sizes hold."""
    tensors = [graph.tensors[i] for i in (*op.inputs[:2], *op.outputs)]
    return bool(family(target)) and all(
        t.dtype == "int8" and max(t.shape, default=1) <= _MOST for t in tensors
    )


_MOST = 0xFFFF


@dataclass(frozen=True)
class Problem:
    """A convolution as the driver sees it; a fully connected layer is one of 1 x 1."""

    matrix: Matrix
    batches: int
    image: tuple[int, int, int]
    out: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]
    zero: int

    @property
    def pixels(self) -> int:
        """Of one output image."""
        return self.out[0] * self.out[1]

    @property
    def overlap(self) -> Overlap:
        """The pixels of a tile are packed before the first of them is written."""
        image, out = (self.batches, *self.image), (self.batches, *self.out, len(self.matrix.bias))
        return Window(image, out, self.stride, self.padding).pixelwise

    @property
    def copied(self) -> bool:
        """Receptive fields have to be brought together."""
        return self.kernel[0] > 1 or self.dilation[1] > 1 or max(self.padding) > 0


def problem(graph: Graph, op: Op) -> Problem:
    """Reads a layer its op's `check` accepts."""
    if op.name == "FULLY_CONNECTED":
        d = dense(graph, op)
        weights = d.weights.astype(np.int64)
        output = (d.output_zero, d.low, d.high)
        return Problem(
            matrix=matrix(weights, d.bias.astype(np.int64), 0, d.multipliers, d.shifts, output),
            batches=1,
            image=(1, d.rows, weights.shape[1]),
            out=(1, d.rows),
            kernel=(1, 1),
            stride=(1, 1),
            dilation=(1, 1),
            padding=(0, 0),
            zero=0,
        )
    g = geometry(graph, op)
    weights = g.weights.reshape(g.weights.shape[0], -1).astype(np.int64)
    bias = np.zeros(len(weights), np.int64) if g.bias is None else g.bias.astype(np.int64)
    output = (g.output_zero, g.low, g.high)
    return Problem(
        matrix=matrix(weights, bias, g.input_zero, g.multipliers, g.shifts, output),
        batches=g.input.shape[0],
        image=g.input.shape[1:],  # type: ignore[arg-type]
        out=g.output.shape[1:3],  # type: ignore[arg-type]
        kernel=g.kernel,
        stride=g.stride,
        dilation=g.dilation,
        padding=g.padding,
        zero=g.input_zero,
    )


class Dense:
    """A convolution or a fully connected layer with one of the tiles."""

    def __init__(self, tile: Tile) -> None:
        self.tile = tile
        self.name = f"scalar {tile.name}"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Any layer without groups, on the cores the tile was made for."""
        if family(target) not in self.tile.cores or not takes(graph, op, target):
            return False
        if op.name == "FULLY_CONNECTED":
            d = dense(graph, op)
            return d.rows <= _MOST and self.tile.fits(d.weights.astype(np.int64))
        g = geometry(graph, op)
        if g.groups != 1 or math.prod(g.weights.shape[1:]) > _MOST - 3:
            return False
        return self.tile.fits(g.weights.reshape(g.weights.shape[0], -1).astype(np.int64))

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """From the table of cost.py."""
        p = problem(graph, op)
        channels, k = p.matrix.weights.shape
        tiles = p.batches * -(-p.pixels // self.tile.pixels)
        return Cost(
            cycles=costs.dense(
                family(target), self.tile.name, tiles * self.tile.pixels, k, channels, p.copied
            ),
            flash=3 * channels,  # beyond what every kernel stores
            ram=self._scratch(k),
        )

    def _scratch(self, k: int) -> int:
        return self.tile.pixels * _patch_bytes(k) + 4 * self.tile.words(k)

    def lower(self, site: Site) -> Code:
        """A call of scalar_conv_s8."""
        p = problem(site.graph, site.op)
        channels, k = p.matrix.weights.shape
        stream = self.tile.pack(p.matrix.weights)
        ctype = "int8_t" if stream.dtype == np.int8 else "int32_t"
        params = Initializer(
            "scalar_conv_t",
            {
                "gemm": {
                    "weights": site.constant("weights"),
                    "bias": site.constant("bias"),
                    "scales": f"(const scalar_scale_t *){site.constant('scales')}",
                    "output": p.matrix.output,
                    "k": k,
                    "channels": channels,
                },
                "tile": f"&scalar_tile_{self.tile.name}",
                "field": {
                    "in_height": p.image[0],
                    "in_width": p.image[1],
                    "in_channels": p.image[2],
                    "kernel_height": p.kernel[0],
                    "kernel_width": p.kernel[1],
                    "dilation_height": p.dilation[0],
                    "dilation_width": p.dilation[1],
                    "in_zero": p.zero,
                },
                "batches": p.batches,
                "out_height": p.out[0],
                "out_width": p.out[1],
                "stride_height": p.stride[0],
                "stride_width": p.stride[1],
                "pad_top": p.padding[0],
                "pad_left": p.padding[1],
                "patch_bytes": _patch_bytes(k),
            },
        )
        return Code(
            function="scalar_conv_s8",
            body=f"{params.declare()}\n"
            f"scalar_conv_s8(&params, {site.input(0)}, {site.output()}, {site.scratch});",
            constants=(
                Constant("weights", ctype, stream, align=4, note=f"gemm_{self.tile.name}.c"),
                Constant("bias", "int32_t", p.matrix.bias, note="input zero point folded in"),
                Constant("scales", "int32_t", p.matrix.scales, note="multiplier, shift"),
            ),
            files=(
                "scalar/conv.h",
                "scalar/conv.c",
                "scalar/patch.c",
                "scalar/requant.c",
                f"scalar/gemm_{self.tile.name}.c",
            ),
            scratch=self._scratch(k),
            overlaps=(p.overlap,),
            encoding=f"dense, {self.tile.name.replace('_', ' ')}",
        )


def _patch_bytes(k: int) -> int:
    return math.ceil(k / 4) * 4
