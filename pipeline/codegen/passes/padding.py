"""PAD becomes the padding of the convolution or maximum behind it.

Exact where what is filled in is the zero point, which convolutions read outside of their
image anyway; for a maximum, where nothing in the image is lower.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.codegen.numeric import zero_of
from pipeline.codegen.ops import common, pooling
from pipeline.codegen.ops.move import integers
from pipeline.codegen.passes.edit import Edit
from pipeline.codegen.passes.ranges import pad_value, ranges
from pipeline.convert.graph import Graph, Op, Tensor

_WINDOWED = ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D")

Pads = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right))."""


def run(graph: Graph) -> Edit:
    """Takes out every PAD all of whose readers can pad by themselves."""
    edit = Edit(graph)
    for op in edit.ops():
        if op.name not in ("PAD", "PADV2") or not edit.free(op.outputs[0]):
            continue
        readers = edit.readers(op.outputs[0])
        pads = [_pads(graph, op, reader) for reader in readers]
        if not readers or None in pads:
            continue
        for reader, around in zip(readers, pads, strict=True):
            edit.put(
                reader,
                inputs=(op.inputs[0], *reader.inputs[1:]),
                options={**reader.options, "pads": around},
                origins=(*op.origins, *reader.origins),
            )
        edit.remove(op)
        edit.note(op, "padding of " + ", ".join(f"{r.name} {r.layer!r}" for r in readers))
    return edit


def _pads(graph: Graph, op: Op, reader: Op) -> Pads | None:
    """What the reader has to pad by in all; None where it can't."""
    data, padded = common.tensor(graph, op, 0), common.output(graph, op)
    amounts = np.asarray(integers(common.tensor(graph, op, 1))).reshape(-1, 2)
    if (
        reader.name not in _WINDOWED
        or reader.inputs.count(padded.index) != 1
        or reader.inputs[0] != padded.index
        or data.dtype != "int8"
        or data.data is not None
        or data.variable
        or len(amounts) != 4
        or amounts[[0, 3]].any()
    ):
        return None
    kernel, stride, dilation = _window(graph, reader)
    result = common.output(graph, reader)
    pads: list[tuple[int, int]] = []
    for i in (0, 1):
        size, step = (kernel[i], stride[i], dilation[i]), stride[i]
        own = common.before(reader, i, padded.shape[1 + i], *size)
        reach = (kernel[i] - 1) * dilation[i] + 1
        before = own + int(amounts[1 + i, 0])
        after = (result.shape[1 + i] - 1) * step + reach - before - data.shape[1 + i]
        # Every window has to meet the image: kernels count on it.
        if before >= reach or after >= reach:
            return None
        pads.append((before, max(after, 0)))
    value = pad_value(graph, op)
    if reader.name == "MAX_POOL_2D":
        neutral = bool((ranges(graph)[data.index][0] >= value).all())
    else:
        neutral = value == zero_of(padded) == zero_of(data)
    around = pads[0], pads[1]
    changed = replace(reader, options={**reader.options, "pads": around})
    return around if neutral and _fits(changed, data, result, kernel, stride, dilation) else None


def _window(graph: Graph, op: Op) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """(kernel, stride, dilation), each (height, width)."""
    if op.name == "MAX_POOL_2D":
        return (*pooling.window(op), (1, 1))
    weights, o = common.tensor(graph, op, 1), op.options
    return (
        (weights.shape[1], weights.shape[2]),
        (int(o["stride_h"]), int(o["stride_w"])),
        (int(o.get("dilation_h_factor", 1)), int(o.get("dilation_w_factor", 1))),
    )


def _fits(
    op: Op,
    data: Tensor,
    result: Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> bool:
    """The padding gives the result's size back."""
    return all(
        common.extent(op, i, data.shape[1 + i], kernel[i], stride[i], dilation[i])
        == result.shape[1 + i]
        for i in (0, 1)
    )
