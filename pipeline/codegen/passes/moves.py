"""Ops that move nothing: copies in the same order, which become the same memory.

TRANSPOSE of dimensions of one element, a slice of everything, CONCATENATION, SPLIT, PACK or
UNPACK of a single part, PAD by nothing: all of them are a RESHAPE, and that needs no code.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.codegen.broadcast import merge
from pipeline.codegen.ops import common, operators
from pipeline.codegen.ops.move import Mover, integers
from pipeline.codegen.passes.edit import Edit, alike
from pipeline.convert.graph import Graph, Op


def run(graph: Graph) -> Edit:
    """Turns moves in order into RESHAPE, and takes out those that change no shape."""
    edit = Edit(graph)
    views = {name for name, support in operators().items() if support.view}
    for op in edit.ops():
        source = op.inputs[0] if op.name in views else _source(graph, op)
        if source is None:
            continue
        t, result = edit.tensors[source], edit.tensors[op.outputs[0]]
        if t.variable or not alike(t, result):
            continue
        if t.data is not None:
            if edit.free(result.index):
                values = np.asarray(t.data).reshape(result.shape)
                edit.tensors[result.index] = replace(result, data=values)
                edit.remove(op)
                edit.note(op, "the constant has the new shape")
            continue
        if t.shape == result.shape and edit.merge(source, result.index):
            edit.remove(op)
            edit.note(op, "moves nothing")
            continue
        behind = edit.writer(source)
        if behind is not None and behind.name in views and edit.private(source):
            origins = (*behind.origins, *op.origins)
            view = {} if op.name in views else {"name": "RESHAPE", "options": {}, "version": 1}
            edit.put(op, inputs=behind.inputs[:1], origins=origins, **view)
            edit.remove(behind)
            edit.note(op, f"{behind.name} {behind.layer!r} before it is part of it")
        elif op.name not in views:
            edit.put(op, name="RESHAPE", inputs=(source,), options={}, version=1)
            edit.note(op, "copies in order: the same memory under another shape")
    return edit


def _source(graph: Graph, op: Op) -> int | None:
    """The one tensor that the op copies in order; None where it does something else."""
    if op.name in ("PAD", "PADV2"):
        return op.inputs[0] if not any(integers(common.tensor(graph, op, 1))) else None
    kernel = operators()[op.name].kernels[0]
    if not isinstance(kernel, Mover) or len(op.outputs) != 1:
        return None
    plan = kernel.plan(graph, op)
    if len(plan) != 1 or plan[0].start_from or plan[0].start_to:
        return None
    copy = plan[0]
    source = op.inputs[copy.source]
    extents, (come, go) = merge(copy.extents, copy.steps_from, copy.steps_to)
    whole = [common.elements(graph.tensors[source])]
    if extents != whole or come != go or come != [1]:
        return None
    return source
