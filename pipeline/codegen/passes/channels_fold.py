"""What input channels of a layer with weights may go, and what they leave in its biases."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.numeric import I64, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.conv import geometry
from pipeline.codegen.ops.fully_connected import dense
from pipeline.codegen.passes.ranges import Range
from pipeline.convert.graph import Graph, Op

Bools = NDArray[np.bool_]

_INT32 = 1 << 31


def biases(graph: Graph, op: Op, channels: int) -> I64:
    """The layer's biases as they are in the model; zeros where it has none."""
    bias = common.optional(graph, op, 2)
    if bias is None or bias.data is None:
        return np.zeros(channels, np.int64)
    return bias.data.astype(np.int64).reshape(-1)


def convolution_inputs(
    graph: Graph, op: Op, bounds: Range, outputs_gone: Bools, wanted: Bools
) -> Bools:
    """Input channels of a CONV_2D without groups that may go.

    Args:
        graph, op: the layer.
        bounds: of its input.
        outputs_gone: output channels that no one will ask for.
        wanted: input channels that are to go.
    """
    weights, places, zero = _by_place(graph, op.index)
    value, constant = _values(bounds, weights.shape[3], zero)
    added = places[:, ~outputs_gone] * value
    exact = (added == added[:1]).all(axis=(0, 1))
    unread = ~weights[~outputs_gone].any(axis=(0, 1, 2))
    may = unread | (constant & exact)
    sums = biases(graph, op, len(weights))[~outputs_gone]
    return _in_range(sums, added[0], may & wanted, unread | (constant & (value == 0)), may)


def convolution_fold(graph: Graph, op: Op, bounds: Range, gone: Bools) -> I64:
    """What input channels that go have added to each output's sum, (outputs,)."""
    weights, places, zero = _by_place(graph, op.index)
    value, constant = _values(bounds, weights.shape[3], zero)
    added = places[0] * value
    return np.asarray(added[:, gone & constant].sum(axis=1))


def dense_inputs(graph: Graph, op: Op, bounds: Range, outputs_gone: Bools, wanted: Bools) -> Bools:
    """Channels of the data of a FULLY_CONNECTED that may go; see `convolution_inputs`.

    The data's channels may be fewer than the layer's inputs, which then come in rows of them.
    """
    d = dense(graph, op)
    inputs = d.weights.shape[1]
    if inputs % len(wanted):
        return np.zeros(len(wanted), np.bool_)
    rows = inputs // len(wanted)
    value, constant = _values(bounds, inputs, zero_of(d.input))
    added = d.weights[~outputs_gone].astype(np.int64) * value
    unread = ~d.weights[~outputs_gone].any(axis=0)
    may = unread | constant
    sums = biases(graph, op, len(d.weights))[~outputs_gone]
    may = _in_range(
        sums, added, may & np.tile(wanted, rows), unread | (constant & (value == 0)), may
    )
    return np.asarray(may.reshape(rows, -1).all(axis=0))


def dense_fold(graph: Graph, op: Op, bounds: Range, gone: Bools) -> I64:
    """What inputs that go have added to each output's sum; `gone` has one entry per input."""
    d = dense(graph, op)
    value, constant = _values(bounds, d.weights.shape[1], zero_of(d.input))
    added = d.weights.astype(np.int64) * value
    return np.asarray(added[:, gone & constant].sum(axis=1))


def _values(bounds: Range, channels: int, zero: int) -> tuple[I64, Bools]:
    """Each channel's value less the zero point, where it is one, and whether it is."""
    low = bounds[0].reshape(-1, channels).min(axis=0)
    high = bounds[1].reshape(-1, channels).max(axis=0)
    constant = low == high
    return np.where(constant, low - zero, 0), constant


@lru_cache(maxsize=64)
def _by_place(graph: Graph, index: int) -> tuple[NDArray[np.int8], I64, int]:
    """A convolution's weights, their sums by place, and the input's zero point.

    The sums are those of the weights that meet the image: (kinds of places, outputs,
    inputs). At a border some taps lie outside; places where the same ones do are of a kind.
    """
    g = geometry(graph, graph.ops[index])
    inside = []
    for i in (0, 1):
        first = np.arange(g.output.shape[1 + i]) * g.stride[i] - g.padding[i]
        at = first[:, None] + np.arange(g.kernel[i]) * g.dilation[i]
        inside.append(np.unique((at >= 0) & (at < g.input.shape[1 + i]), axis=0).astype(np.int64))
    sums = np.einsum("ry,qx,oyxc->rqoc", *inside, g.weights.astype(np.int64), optimize=True)
    return g.weights, sums.reshape(-1, *sums.shape[2:]), g.input_zero


def _in_range(sums: I64, added: I64, going: Bools, without: Bools, may: Bools) -> Bools:
    """`may`, or only those that add nothing where a bias would leave 32 bits."""
    total = sums + added[:, going].sum(axis=1)
    fits = bool(((total >= -_INT32) & (total < _INT32)).all())
    return may if fits else without
