"""Joins whose operands are written where they belong, and splits that are looked at in place.

CONCATENATION and PACK: the ops before them write into the result. SPLIT, SLICE, STRIDED_SLICE
and UNPACK: the ops behind them read from the operand. Possible where each piece is one
stretch of memory, so along the outermost dimension that has more than one element. Joins
along channels stay copies: kernels write dense rows.
"""

from __future__ import annotations

from pipeline.codegen.dtypes import bytes_of
from pipeline.codegen.memory.parts import Part, Places, is_view, parts_of
from pipeline.codegen.passes.edit import Edit
from pipeline.convert.graph import Graph, Op

_ALIGN = 4
"""Kernels of all cores count on tensors that begin at a multiple of it."""


def run(graph: Graph) -> Edit:
    """Marks joins and splits that need no copy."""
    edit = Edit(graph)
    places = Places()
    for op in graph.ops:
        found = parts_of(graph, op)
        if not is_view(graph, op):
            if not found or not _fits(graph, op, found, places):
                continue
            edit.put(op, options={**op.options, "view": True})
            joined = found[0].whole in op.outputs
            edit.note(op, f"its {'operands' if joined else 'results'} lie in place, no copy")
        for part in found:
            places.put(part)
    return edit


def _fits(graph: Graph, op: Op, found: tuple[Part, ...], places: Places) -> bool:
    whole = graph.tensors[found[0].whole]
    if whole.variable or whole.data is not None:
        return False
    # A small piece would keep all of a large tensor alive.
    pieces = {p.part: bytes_of(graph.tensors[p.part]) for p in found}
    if 2 * sum(pieces.values()) < bytes_of(whole) or any(p.start % _ALIGN for p in found):
        return False
    if found[0].whole not in op.outputs:
        return not any(graph.tensors[i].variable for i in op.outputs)
    roots = set()
    for index, size in pieces.items():
        t = graph.tensors[index]
        root = graph.tensors[places.find(index)[0]]
        if t.data is not None or root.variable or root.data is not None:
            return False
        # What lies in something else already can't be in two places.
        if bytes_of(root) != size or root.index in roots:
            return False
        roots.add(root.index)
    return len(pieces) == len(op.inputs)
