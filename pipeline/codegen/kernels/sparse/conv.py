"""CONV_2D and FULLY_CONNECTED with weights stored without their zeros (sparse/conv.c)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Code, Constant, Cost, Initializer, Site
from pipeline.codegen.kernels.sparse.pack import Bytes, Encoding, stream_of, takes
from pipeline.codegen.numeric import wrap32
from pipeline.codegen.ops.conv import geometry, order
from pipeline.codegen.ops.fully_connected import dense
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op

_PIXELS = 4
# Instructions on a Cortex-M4, counted in QEMU.
_GATHER_PER_BYTE = 4.5
_GATHER_PER_TAP = 16.0
_PER_CHANNEL = 30.0
_PER_OUTPUT = 26.0
_PER_ROW = 65.0
# Bytes of code that the first sparse layer of a program brings.
_CODE_BYTES = 500


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer as the C driver sees it; `weights` is (channels, K)."""

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    multipliers: NDArray[np.int32]
    shifts: NDArray[np.int8]
    pixels: int
    taps: int
    fields: dict[str, int]


def _layer(graph: Graph, op: Op) -> _Layer:
    if op.name == "FULLY_CONNECTED":
        d = dense(graph, op)
        return _Layer(
            weights=d.weights,
            bias=d.bias.astype(np.int32),
            multipliers=d.multipliers,
            shifts=d.shifts,
            pixels=d.rows,
            taps=1,
            fields={
                "batches": 1,
                "in_channels": d.weights.shape[1],
                "out_width": d.rows,
                "out_channels": d.weights.shape[0],
                "output_zero": d.output_zero,
                "min": d.low,
                "max": d.high,
                "per_channel": int(d.per_channel),
            },
        )
    g = geometry(graph, op)
    channels = g.weights.shape[0]
    matrix = g.weights.reshape(channels, -1)
    own = np.zeros(channels, np.int64) if g.bias is None else g.bias.astype(np.int64)
    folded = own.reshape(-1) - g.input_zero * matrix.astype(np.int64).sum(axis=1)
    _, in_height, in_width, in_channels = g.input.shape
    _, out_height, out_width, _ = g.output.shape
    return _Layer(
        weights=matrix,
        bias=wrap32(folded).astype(np.int32),
        multipliers=g.multipliers,
        shifts=g.shifts,
        pixels=g.input.shape[0] * out_height * out_width,
        taps=g.kernel[0] * g.kernel[1],
        fields={
            "batches": g.input.shape[0],
            "in_height": in_height,
            "in_width": in_width,
            "in_channels": in_channels,
            "out_height": out_height,
            "out_width": out_width,
            "out_channels": channels,
            "kernel_height": g.kernel[0],
            "kernel_width": g.kernel[1],
            "stride_height": g.stride[0],
            "stride_width": g.stride[1],
            "dilation_height": g.dilation[0],
            "dilation_width": g.dilation[1],
            "pad_top": g.padding[0],
            "pad_left": g.padding[1],
            "input_zero": g.input_zero,
            "output_zero": g.output_zero,
            "min": g.low,
            "max": g.high,
            "per_channel": 1,
        },
    )


@dataclass(frozen=True)
class Sparse:
    """A layer in one encoding."""

    encoding: Encoding

    @property
    def name(self) -> str:
        """For people."""
        return f"sparse {self.encoding.name}"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """int8, one group, and enough zeros."""
        return takes(self.encoding, graph, op)

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """Bytes are counted against those of the dense weights."""
        layer = _layer(graph, op)
        channels, places = layer.weights.shape
        stream = self._pack(layer)
        e = self.encoding
        stored = e.stored(stream.size, channels, places)
        if op.name == "FULLY_CONNECTED":
            per_weight = e.per_weight_dsp if target.has("dsp") else e.per_weight
            one = per_weight * stored + e.per_place * places * channels
            cycles = layer.pixels * (one + channels * _PER_ROW)
            ram = 0
        else:
            groups = -(-layer.pixels // _PIXELS)
            gather = _PIXELS * (places * _GATHER_PER_BYTE + layer.taps * _GATHER_PER_TAP)
            dots = e.per_weight4 * stored + e.per_place4 * places * channels
            each = channels * (_PER_CHANNEL + _PIXELS * _PER_OUTPUT)
            cycles = groups * (gather + dots + each)
            ram = _PIXELS * places
        return Cost(float(cycles), stream.size - layer.weights.size + _CODE_BYTES // 4, ram)

    def lower(self, site: Site) -> Code:
        """The C for it."""
        layer = _layer(site.graph, site.op)
        name = self.encoding.name
        flat = site.op.name == "FULLY_CONNECTED"
        dot = "dot1" if flat else "dot4"
        params = Initializer(
            "sparse_conv_s8_t",
            {
                **layer.fields,
                "stream": site.constant("weights"),
                "bias": site.constant("bias"),
                "multiplier": site.constant("multiplier"),
                "shift": site.constant("shift"),
                dot: f"sparse_{name}_{dot}",
            },
        )
        function = "sparse_fully_connected_s8" if flat else "sparse_conv_s8"
        arguments = f"&params, {site.input(0)}, {site.output()}"
        if not flat:
            arguments += f", (int8_t *){site.scratch}"
        return Code(
            function=function,
            body=f"{params.declare()}\n{function}({arguments});",
            constants=(
                Constant("weights", "uint8_t", self._pack(layer), note=f"{name} of the weights"),
                Constant("bias", "int32_t", layer.bias, note="input zero point folded in"),
                Constant("multiplier", "int32_t", layer.multipliers),
                Constant("shift", "int8_t", layer.shifts),
            ),
            files=("sparse/sparse.h", "sparse/conv.c", f"sparse/{name}.c"),
            scratch=0 if flat else _PIXELS * layer.weights.shape[1],
            overlaps=() if flat else (order(geometry(site.graph, site.op)).pixelwise,),
            encoding=name,
        )

    def _pack(self, layer: _Layer) -> Bytes:
        return stream_of(self.encoding, layer.weights)
