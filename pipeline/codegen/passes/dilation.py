"""SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND become one dilated convolution.

So TensorFlow writes dilation where its converter has not put it together again. The pixels
that are `block` apart lie side by side in a batch; a convolution there is one with that
dilation, its padding what the first op pads less what the last one crops.
"""

from __future__ import annotations

from pipeline.codegen.numeric import zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.move import integers
from pipeline.codegen.passes.edit import Edit
from pipeline.convert.graph import Graph, Op

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")

Pads = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right))."""


def run(graph: Graph) -> Edit:
    """Joins each such three ops."""
    edit = Edit(graph)
    for op in edit.ops():
        if op.name != "BATCH_TO_SPACE_ND":
            continue
        middle = edit.writer(op.inputs[0])
        first = edit.writer(middle.inputs[0]) if middle is not None else None
        if middle is None or first is None or first.name != "SPACE_TO_BATCH_ND":
            continue
        if not edit.private(op.inputs[0]) or not edit.private(middle.inputs[0]):
            continue
        pads = _pads(graph, first, middle, op)
        if pads is None:
            continue
        block = integers(common.tensor(graph, op, 1))
        edit.put(
            middle,
            inputs=(first.inputs[0], *middle.inputs[1:]),
            outputs=op.outputs,
            options={
                **middle.options,
                "dilation_h_factor": block[0],
                "dilation_w_factor": block[1],
                "pads": pads,
            },
            origins=(*first.origins, *middle.origins, *op.origins),
        )
        edit.remove(first)
        edit.remove(op)
        edit.note(middle, f"dilated by {block[0]} x {block[1]}, {first.name} and {op.name} gone")
    return edit


def _pads(graph: Graph, first: Op, middle: Op, last: Op) -> Pads | None:
    """Padding of the dilated convolution; None where there is none."""
    data, result = common.tensor(graph, first, 0), common.output(graph, last)
    block, around = (integers(common.tensor(graph, first, i)) for i in (1, 2))
    crops = integers(common.tensor(graph, last, 2))
    o = middle.options
    dilation = int(o.get("dilation_h_factor", 1)), int(o.get("dilation_w_factor", 1))
    if (
        middle.name not in _CONVOLUTIONS
        or len(block) != 2
        or block != integers(common.tensor(graph, last, 1))
        or (int(o["stride_h"]), int(o["stride_w"])) != (1, 1)
        or dilation != (1, 1)
        or (data.dtype, result.dtype) != ("int8", "int8")
        or data.data is not None
        or data.variable
        or zero_of(data) != zero_of(common.output(graph, first))
    ):
        return None
    weights = common.tensor(graph, middle, 1).shape
    spread = common.tensor(graph, middle, 0).shape
    pads: list[tuple[int, int]] = []
    for i in (0, 1):
        reach = (weights[1 + i] - 1) * block[i] + 1
        # In a batch the convolution may pad too; a pixel there is `block` pixels here.
        own = common.before(middle, i, spread[1 + i], weights[1 + i], 1)
        before = around[2 * i] + own * block[i] - crops[2 * i]
        after = result.shape[1 + i] - 1 + reach - before - data.shape[1 + i]
        if not 0 <= before < reach or after >= reach:
            return None
        # Rows that nothing reads: the result would be larger.
        if after < 0:
            return None
        pads.append((before, after))
    return pads[0], pads[1]
