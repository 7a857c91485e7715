"""Order and ends: everything is written once, before it is read, and somebody reads it."""

from __future__ import annotations

from pipeline.convert.checks.words import damaged, named, refused
from pipeline.convert.graph import WEIGHTED, Graph, Op

CONTROL_FLOW = frozenset({"IF", "WHILE", "CALL"})


def check(graph: Graph) -> None:
    """Raises ModelError where ops don't follow from one another."""
    if not graph.inputs or not graph.outputs:
        raise damaged(graph, None, "the model has no inputs or no outputs")
    if not graph.ops:
        raise refused(graph, None, "the model has no operators", "check what was converted")
    if len(set(graph.inputs)) != len(graph.inputs):
        raise damaged(graph, None, "a tensor is an input twice")
    for i in graph.inputs:
        if graph.tensors[i].data is not None:
            raise damaged(graph, None, f"{named(graph.tensors[i])} is an input and a constant")
    known = {t.index for t in graph.tensors if t.data is not None or t.variable}
    known.update(graph.inputs)
    for op in graph.ops:
        _check_runs(graph, op)
        _check_order(graph, op, known)
    for i in graph.outputs:
        if i not in known:
            raise damaged(graph, None, f"output {named(graph.tensors[i])} is never written")


def _check_order(graph: Graph, op: Op, known: set[int]) -> None:
    missing = [i for i in op.inputs if i >= 0 and i not in known]
    if missing:
        what = f"the op reads {named(graph.tensors[missing[0]])} before it is written"
        raise damaged(graph, op, what)
    if not op.outputs:
        raise damaged(graph, op, "the op writes nothing")
    for i in op.outputs:
        t = graph.tensors[i]
        if t.variable:
            continue
        # A tensor without elements may be written twice: nothing is.
        if i in known and 0 not in t.shape:
            raise damaged(graph, op, f"the op writes {named(t)}, which has a value already")
        known.add(i)


def _check_runs(graph: Graph, op: Op) -> None:
    """What needs no look at its tensors to be refused, and weights beside float data."""
    if op.name in CONTROL_FLOW:
        raise refused(
            graph,
            op,
            f"{op.name} is control flow, which is not supported",
            "unroll loops (RNN: unroll=True) and remove conditions",
        )
    if op.name == "DENSIFY":
        raise refused(
            graph,
            op,
            "DENSIFY unpacks sparse weights, which TFLite Micro can't run",
            "convert without Optimize.EXPERIMENTAL_SPARSITY",
        )
    if op.name not in WEIGHTED or len(op.inputs) < 2 or min(op.inputs[:2]) < 0:
        return
    data, weights = (graph.tensors[i] for i in op.inputs[:2])
    if data.dtype == "float32" and weights.dtype in ("int8", "uint8", "int4"):
        raise refused(
            graph,
            op,
            "float activations on integer weights that can't be dequantised: "
            "the model was quantised with dynamic range only",
            "quantise in full: give a representative data set, "
            "and set inference_input_type and inference_output_type to int8",
        )
