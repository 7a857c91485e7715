"""Activations become the clamp of the op before them.

RELU, RELU6, MINIMUM or MAXIMUM with a value: where the table of one does no more than clamp
what the op before it can give, and both store values alike, the clamp moves there.
"""

from __future__ import annotations

import numpy as np

from pipeline.codegen.ops import common
from pipeline.codegen.passes.edit import Edit, alike
from pipeline.codegen.passes.functions import apply, table_of
from pipeline.codegen.passes.ranges import ranges
from pipeline.convert.graph import Graph

CLAMPING = frozenset(
    {
        "ADD",
        "AVERAGE_POOL_2D",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "MAX_POOL_2D",
        "MUL",
        "SUB",
    }
)
"""Ops whose kernels clamp their results."""


def run(graph: Graph) -> Edit:
    """Moves clamps forward into the ops whose results they clamp."""
    edit = Edit(graph)
    known = ranges(graph)
    for op in edit.ops():
        values = table_of(edit, op)
        if values is None:
            continue
        source, result = (edit.tensors[i] for i in (op.inputs[0], op.outputs[0]))
        before = edit.writer(source.index)
        if (
            before is None
            or before.name not in CLAMPING
            or "table" in before.options
            or not edit.private(source.index)
            or not alike(source, result)
            or source.shape != result.shape
        ):
            continue
        span = np.arange(known[source.index][0].min(), known[source.index][1].max() + 1)
        outputs = apply(values, span).astype(np.int64)
        low, high = int(outputs.min()), int(outputs.max())
        if not bool((outputs == np.clip(span, low, high)).all()):
            continue
        now = common.limits(before, source)
        edit.put(
            before,
            outputs=(result.index,),
            options={**before.options, "clamp": (max(now[0], low), min(now[1], high))},
            origins=(*before.origins, *op.origins),
        )
        edit.remove(op)
        edit.note(op, f"a clamp of {before.name} {before.layer!r}")
    return edit
