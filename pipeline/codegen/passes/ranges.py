"""Interval analysis: the lowest and highest value that every element of a tensor can take.

Whatever the inputs are. Bounds go through each op's exact integer arithmetic, roundings and
clamps included: all of it is monotone, so that the bounds of the result are the results of
the bounds. Where an accumulator might leave 32 bits, nothing is concluded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.numeric import I64, quantize_multiplier, requantize, scale_of, zero_of
from pipeline.codegen.ops import common, pooling, reduce
from pipeline.codegen.ops.conv import geometry
from pipeline.codegen.ops.fully_connected import dense
from pipeline.codegen.ops.lookup import stored_inputs
from pipeline.codegen.ops.move import Mover, integers
from pipeline.codegen.passes.functions import PAIRS, Table, pair, table_of
from pipeline.convert.graph import Graph, Op, Tensor
from pipeline.convert.statistics import macs

Range = tuple[I64, I64]
"""(lowest, highest) stored value of each element, in the tensor's shape."""

_INT32 = 1 << 31
_LOW, _HIGH = -128, 127

_MOST_VALUES = 1 << 23
_MOST_MACS = 1 << 30
"""Of all tensors and layers that are looked at: some seconds and 128 MB. What comes behind may
hold anything."""


@lru_cache(maxsize=4)
def ranges(graph: Graph) -> dict[int, Range]:
    """Tensor -> bounds of its elements, for all int8 tensors."""
    found: dict[int, Range] = {}
    values = work = 0
    for i in graph.inputs:
        found[i] = _anything(graph.tensors[i])
    for op in graph.ops:
        for i in op.inputs:
            if i >= 0 and i not in found:
                found[i] = _known(graph.tensors[i])
        results = [graph.tensors[i] for i in op.outputs]
        values += sum(common.elements(t) for t in results)
        work += macs(graph, op)
        able = all(_is_int8(t) for t in results) and values <= _MOST_VALUES and work <= _MOST_MACS
        bounds = _bounds(graph, op, found) if able else None
        for n, t in enumerate(results):
            found[t.index] = _anything(t) if bounds is None or t.variable else bounds[n]
    return {i: r for i, r in found.items() if _is_int8(graph.tensors[i])}


def constant(bounds: Range) -> NDArray[np.bool_]:
    """Elements that have one value only."""
    return np.asarray(bounds[0] == bounds[1])


def _is_int8(t: Tensor) -> bool:
    return t.dtype == "int8"


def _anything(t: Tensor) -> Range:
    low, high = np.array(_LOW, np.int64), np.array(_HIGH, np.int64)
    return np.broadcast_to(low, t.shape), np.broadcast_to(high, t.shape)


def _known(t: Tensor) -> Range:
    if t.data is None or t.dtype != "int8":
        return _anything(t)
    values = np.asarray(t.data, np.int64).reshape(t.shape)
    return values, values


def _bounds(graph: Graph, op: Op, found: dict[int, Range]) -> list[Range] | None:
    """Bounds of the outputs; None where nothing is known of the op."""
    reads = [i for i in op.inputs if i >= 0]
    if any(graph.tensors[i].variable for i in reads):
        return None
    values = table_of(graph, op)
    if values is not None:
        low, high = _through(values, found[op.inputs[0]])
    elif op.name in PAIRS:
        return _pair(graph, op, found)
    elif op.name in _ONE and reads and _is_int8(graph.tensors[reads[0]]):
        low, high = _ONE[op.name](graph, op, found[reads[0]])
    else:
        return _moved(graph, op, found)
    shape = common.output(graph, op).shape
    return [(low.reshape(shape), high.reshape(shape))]


def _requantised(
    low: I64, high: I64, scale: tuple[I64 | int, I64 | int], zero: int, limits: tuple[int, int]
) -> Range:
    """Bounds of accumulators -> bounds of int8 outputs."""
    multiplier, shift = scale
    left = np.maximum(shift, 0)
    beyond = (low << left < -_INT32) | (high << left >= _INT32)
    bounds = [np.clip(requantize(v, multiplier, shift) + zero, *limits) for v in (low, high)]
    return np.where(beyond, limits[0], bounds[0]), np.where(beyond, limits[1], bounds[1])


def _products(low: NDArray[np.float64], high: NDArray[np.float64], w: I64) -> Range:
    """Bounds of (..., K) values times weights (K, outputs); float64 holds the sums exactly."""
    above, below = np.maximum(w, 0).astype(np.float64), np.minimum(w, 0).astype(np.float64)
    least, most = low @ above + high @ below, high @ above + low @ below
    return least.astype(np.int64), most.astype(np.int64)


def _convolution(graph: Graph, op: Op, data: Range) -> Range:
    g = geometry(graph, op)
    _, rows, columns, channels = g.output.shape
    depthwise = op.name == "DEPTHWISE_CONV_2D"
    if not depthwise and g.groups != 1:
        return _anything(g.output)
    edges = []
    for i, size in enumerate((rows, columns)):
        reach = (size - 1) * g.stride[i] + (g.kernel[i] - 1) * g.dilation[i] + 1
        edges.append((g.padding[i], max(reach - g.padding[i] - g.input.shape[1 + i], 0)))
    # What lies outside of the image is the zero point: it adds nothing.
    low, high = (
        np.pad((v - g.input_zero).astype(np.float64), ((0, 0), *edges, (0, 0))) for v in data
    )
    bias = np.zeros(channels, np.int64) if g.bias is None else g.bias.astype(np.int64).reshape(-1)
    least = np.broadcast_to(bias, g.output.shape).copy()
    most = least.copy()
    for y in range(g.kernel[0]):
        down = slice(y * g.dilation[0], y * g.dilation[0] + (rows - 1) * g.stride[0] + 1)
        for x in range(g.kernel[1]):
            along = slice(x * g.dilation[1], x * g.dilation[1] + (columns - 1) * g.stride[1] + 1)
            a, b = (v[:, down, along][:, :: g.stride[0], :: g.stride[1]] for v in (low, high))
            if depthwise:
                c, d = (np.repeat(v, g.depth_multiplier, axis=3).astype(np.int64) for v in (a, b))
                w = g.weights[0, y, x].astype(np.int64)
                above, below = np.maximum(w, 0), np.minimum(w, 0)
                least += c * above + d * below
                most += d * above + c * below
            else:
                added = _products(a, b, g.weights[:, y, x].astype(np.int64).T)
                least += added[0]
                most += added[1]
    scale = g.multipliers.astype(np.int64), g.shifts.astype(np.int64)
    return _requantised(least, most, scale, g.output_zero, (g.low, g.high))


def _dense(graph: Graph, op: Op, data: Range) -> Range:
    d = dense(graph, op)
    rows = [v.reshape(-1, d.weights.shape[1]).astype(np.float64) for v in data]
    least, most = _products(rows[0], rows[1], d.weights.astype(np.int64).T)
    bias = d.bias.astype(np.int64)
    scale = d.multipliers.astype(np.int64), d.shifts.astype(np.int64)
    return _requantised(least + bias, most + bias, scale, d.output_zero, (d.low, d.high))


def _pool(graph: Graph, op: Op, data: Range) -> Range:
    result, source = common.output(graph, op), common.tensor(graph, op, 0)
    kernel, stride = pooling.window(op)
    limits = common.limits(op, result)
    spans = []
    for i in (0, 1):
        length = source.shape[1 + i]
        before = common.before(op, i, length, kernel[i], stride[i])
        starts = [o * stride[i] - before for o in range(result.shape[1 + i])]
        spans.append([slice(max(at, 0), at + kernel[i]) for at in starts])
    if op.name == "MAX_POOL_2D":
        tops = [_windows(v, spans, np.max) for v in data]
        return np.clip(tops[0], *limits), np.clip(tops[1], *limits)
    count = _windows(np.ones(source.shape, np.int64), spans, np.sum)
    bounds = []
    for total in (_windows(v, spans, np.sum) for v in data):
        mean = (np.abs(total) + count // 2) // count
        bounds.append(np.clip(np.where(total > 0, mean, -mean), *limits))
    return bounds[0], bounds[1]


def _windows(values: I64, spans: list[list[slice]], fold: Callable[..., I64]) -> I64:
    """Sums or maxima over windows: over rows, then over columns."""
    rows = np.stack([fold(values[:, span], axis=1) for span in spans[0]], axis=1)
    return np.stack([fold(rows[:, :, span], axis=2) for span in spans[1]], axis=2)


def _reduced(graph: Graph, op: Op, data: Range) -> Range:
    source, result = common.tensor(graph, op, 0), common.output(graph, op)
    over = tuple(reduce.axes(graph, op))
    if op.name in ("REDUCE_MAX", "REDUCE_MIN"):
        take = np.max if op.name == "REDUCE_MAX" else np.min
        return np.asarray(take(data[0], axis=over)), np.asarray(take(data[1], axis=over))
    count = math.prod(source.shape[d] for d in over)
    real = float(scale_of(source)) / float(scale_of(result))
    scale = quantize_multiplier(min(real, reduce.STEEPEST))
    if op.name == "MEAN":
        scale = reduce.mean_multiplier(*scale, count)
    low, high = (np.asarray(v.sum(axis=over)) - zero_of(source) * count for v in data)
    return _requantised(low, high, scale, zero_of(result), (_LOW, _HIGH))


def _padded(graph: Graph, op: Op, data: Range) -> Range:
    amounts = np.asarray(integers(common.tensor(graph, op, 1))).reshape(-1, 2)
    value = pad_value(graph, op)
    low, high = (np.pad(v, amounts, constant_values=value) for v in data)
    return low, high


def pad_value(graph: Graph, op: Op) -> int:
    """What a PAD or PADV2 fills in, as stored."""
    value = common.optional(graph, op, 2)
    if value is not None and value.data is not None:
        return int(value.data.reshape(-1)[0])
    return zero_of(common.output(graph, op))


@lru_cache(maxsize=32)
def _extremes(content: bytes) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Lowest and highest output of a table for inputs from a to b, as [a + 128, b + 128]."""
    order = np.argsort(stored_inputs(), kind="stable")
    values = np.frombuffer(content, np.int8)[order]
    low, high = np.full((256, 256), _HIGH, np.int8), np.full((256, 256), _LOW, np.int8)
    for a in range(256):
        low[a, a:] = np.minimum.accumulate(values[a:])
        high[a, a:] = np.maximum.accumulate(values[a:])
    return low, high


def _through(values: Table, data: Range) -> Range:
    low, high = _extremes(values.tobytes())
    at = data[0] + 128, data[1] + 128
    return low[at].astype(np.int64), high[at].astype(np.int64)


def _pair(graph: Graph, op: Op, found: dict[int, Range]) -> list[Range] | None:
    x, y, result = (
        common.tensor(graph, op, 0),
        common.tensor(graph, op, 1),
        common.output(graph, op),
    )
    if not _is_int8(x) or not _is_int8(y):
        return None
    corners = [
        np.broadcast_to(pair(op, x, y, result, a, b), result.shape)
        for a in found[op.inputs[0]]
        for b in found[op.inputs[1]]
    ]
    return [(np.minimum.reduce(corners), np.maximum.reduce(corners))]


def _moved(graph: Graph, op: Op, found: dict[int, Range]) -> list[Range] | None:
    """Elements that are copied, by the copies' own list."""
    kernel = _kernel(op.name)
    if not isinstance(kernel, Mover):
        return None
    outputs: list[Range] = []
    for i in op.outputs:
        low, high = _anything(graph.tensors[i])
        outputs.append((low.copy(), high.copy()))
    for copy in kernel.plan(graph, op):
        if not _is_int8(graph.tensors[op.inputs[copy.source]]):
            return None
        come, go = (np.zeros(copy.extents, np.int64) + s for s in (copy.start_from, copy.start_to))
        for d, size in enumerate(copy.extents):
            shape = [1] * d + [size] + [1] * (len(copy.extents) - d - 1)
            count = np.arange(size).reshape(shape)
            come += count * copy.steps_from[d]
            go += count * copy.steps_to[d]
        for side in (0, 1):
            source = found[op.inputs[copy.source]][side].reshape(-1)
            outputs[copy.target][side].reshape(-1)[go] = source[come]
    return outputs


def _kernel(name: str) -> object:
    from pipeline.codegen.ops import operators

    return operators()[name].kernels[0]


def _same(graph: Graph, op: Op, data: Range) -> Range:
    return data


_ONE: dict[str, Callable[[Graph, Op, Range], Range]] = {
    "AVERAGE_POOL_2D": _pool,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "EXPAND_DIMS": _same,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": _pool,
    "MEAN": _reduced,
    "PAD": _padded,
    "PADV2": _padded,
    "REDUCE_MAX": _reduced,
    "REDUCE_MIN": _reduced,
    "RESHAPE": _same,
    "SQUEEZE": _same,
    "SUM": _reduced,
}
"""Ops of one input whose bounds are known."""
