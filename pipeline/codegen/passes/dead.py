"""Dead ops: what no output and no state depends on."""

from __future__ import annotations

from pipeline.codegen.passes.edit import Edit, stateful
from pipeline.convert.graph import Graph


def run(graph: Graph) -> Edit:
    """Takes out ops whose results are never read."""
    edit = Edit(graph)
    needed = set(graph.outputs)
    for op in reversed(graph.ops):
        if needed.intersection(op.outputs) or stateful(graph, op):
            needed.update(op.inputs)
            continue
        edit.note(op, "its result is never read")
        edit.remove(op)
    return edit
