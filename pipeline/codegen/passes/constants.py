"""Tensors that are constant whatever the inputs are.

By interval analysis. Only where that costs no memory for the values: where all readers are
constant too, or take a single value for a table.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.codegen.passes.edit import Edit
from pipeline.codegen.passes.functions import PAIRS
from pipeline.codegen.passes.ranges import Range, constant, ranges
from pipeline.convert.graph import Graph, Op


def run(graph: Graph) -> Edit:
    """Replaces constant activations by their values."""
    edit = Edit(graph)
    known = ranges(graph)
    fixed = {i for i, bounds in known.items() if bool(constant(bounds).all())}
    # Readers first: those that are gone need nothing.
    for op in reversed(list(edit.ops())):
        if len(op.outputs) != 1 or op.outputs[0] not in fixed or not edit.free(op.outputs[0]):
            continue
        index = op.outputs[0]
        if not all(_takes(reader, known[index]) for reader in edit.readers(index)):
            continue
        t = edit.tensors[index]
        values = known[index][0].astype(np.int8).reshape(t.shape)
        edit.tensors[index] = replace(t, data=values)
        edit.remove(op)
        edit.note(op, "its result is the same for all inputs")
    return edit


def _takes(reader: Op, bounds: Range) -> bool:
    """The reader becomes a table of its other operand."""
    single = bool((bounds[0] == bounds[0].flat[0]).all())
    return single and reader.name in PAIRS and "table" not in reader.options
