"""DEPTHWISE_CONV_2D over a single channel is a CONV_2D, and that has faster kernels.

Keyword and camera models begin so: one channel of input, several filters over it.
"""

from __future__ import annotations

import numpy as np

from pipeline.codegen.passes.edit import Edit
from pipeline.convert.graph import Graph


def run(graph: Graph) -> Edit:
    """Turns such ops into the convolution that computes the same."""
    edit = Edit(graph)
    for op in edit.ops():
        if op.name != "DEPTHWISE_CONV_2D" or op.inputs[1] < 0:
            continue
        data, weights = edit.tensors[op.inputs[0]], edit.tensors[op.inputs[1]]
        if data.dtype != "int8" or data.shape[-1:] != (1,) or weights.data is None:
            continue
        if len(weights.shape) != 4 or weights.shape[0] != 1:
            continue
        filters = np.moveaxis(weights.data, 3, 0)  # (1, h, w, filters) -> (filters, 1, h, w)
        made = edit.constant(weights, np.moveaxis(filters, 1, 3), axis=0)
        options = {k: v for k, v in op.options.items() if k != "depth_multiplier"}
        inputs = (op.inputs[0], made, *op.inputs[2:])
        edit.put(op, name="CONV_2D", inputs=inputs, options=options, version=1)
        edit.note(op, "a convolution: there is but one channel")
    return edit
