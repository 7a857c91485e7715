"""What a graph costs: multiply-accumulates and parameters."""

from __future__ import annotations

import math

from pipeline.convert.graph import WEIGHTED, Graph, Op


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one op per inference, taps in the padding included.

    Zero for ops without weights, as in MLPerf Tiny's and TensorFlow's own counts.
    """
    if op.name not in WEIGHTED and op.name != "BATCH_MATMUL":
        return 0
    if not op.outputs or len(op.inputs) < 2 or min(op.inputs[:2]) < 0:
        return 0
    out = math.prod(graph.tensors[op.outputs[0]].shape)
    weights = graph.tensors[op.inputs[1]].shape
    if op.name == "CONV_2D" and len(weights) == 4:
        return out * weights[1] * weights[2] * weights[3]
    if op.name == "DEPTHWISE_CONV_2D" and len(weights) == 4:
        return out * weights[1] * weights[2]
    if op.name == "FULLY_CONNECTED" and weights:
        return out * weights[-1]
    if op.name == "TRANSPOSE_CONV" and len(weights) == 4 and len(op.inputs) > 2:
        data = graph.tensors[op.inputs[2]].shape
        return math.prod(data) * weights[0] * weights[1] * weights[2]
    if op.name == "BATCH_MATMUL":
        data = graph.tensors[op.inputs[0]].shape
        if len(data) < 2:
            return 0
        return out * data[-2 if op.options.get("adj_x") else -1]
    if op.name == "UNIDIRECTIONAL_SEQUENCE_LSTM":
        data = graph.tensors[op.inputs[0]].shape
        steps = math.prod(data[:-1])
        per_step = sum(
            math.prod(graph.tensors[i].shape)
            for i in op.inputs[1:9]
            if i >= 0 and len(graph.tensors[i].shape) == 2
        )
        return steps * per_step
    if op.name == "SVDF" and len(op.inputs) > 2:
        return sum(math.prod(graph.tensors[i].shape) for i in op.inputs[1:3] if i >= 0)
    return 0


def total_macs(graph: Graph) -> int:
    """Multiply-accumulates of one inference."""
    return sum(macs(graph, op) for op in graph.ops)


def parameters(graph: Graph) -> int:
    """Trained values: weights and biases of the ops that have them, each tensor once."""
    seen: set[int] = set()
    for op in graph.ops:
        if op.name in WEIGHTED or op.name == "PRELU":
            seen.update(i for i in op.inputs[1:] if i >= 0 and graph.tensors[i].data is not None)
        elif op.name in ("ADD", "MUL", "SUB", "BATCH_MATMUL"):
            seen.update(i for i in op.inputs if i >= 0 and graph.tensors[i].data is not None)
    return sum(math.prod(graph.tensors[i].shape) for i in seen)


def zero_share(graph: Graph) -> float:
    """Share of the weights that are zero, 0..1, biases left out; a weight stands for 0 where
    it equals its zero point.
    """
    weights = {
        i
        for op in graph.ops
        if op.name in WEIGHTED
        for i in op.inputs[1:]
        if i >= 0 and graph.tensors[i].data is not None and graph.tensors[i].dtype == "int8"
    }
    zeros = total = 0
    for index in weights:
        tensor = graph.tensors[index]
        if tensor.data is not None:
            zero = int(tensor.zero_points[0]) if len(tensor.zero_points) else 0
            zeros += int((tensor.data == zero).sum())
            total += int(tensor.data.size)
    return zeros / total if total else 0.0


def index_range(graph: Graph) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """(lowest, highest) of an integer input that names rows of a table; None for other inputs."""
    known = {graph.inputs[0]} if graph.inputs else set()
    for op in graph.ops:
        if op.name in ("CAST", "RESHAPE", "EXPAND_DIMS", "SQUEEZE") and op.inputs[0] in known:
            known.update(op.outputs)
        rows = _rows(graph, op, known)
        if rows is not None and graph.tensors[graph.inputs[0]].dtype in ("int32", "int64"):
            return (0.0,), (float(rows - 1),)
    return None


def _rows(graph: Graph, op: Op, known: set[int]) -> int | None:
    """Rows of the table that an op takes some of by tensors in `known`."""
    if op.name == "GATHER" and len(op.inputs) > 1 and op.inputs[1] in known:
        shape = graph.tensors[op.inputs[0]].shape
        return shape[int(op.options.get("axis", 0))] if shape else None
    if op.name == "EMBEDDING_LOOKUP" and len(op.inputs) > 1 and op.inputs[0] in known:
        shape = graph.tensors[op.inputs[1]].shape
        return shape[0] if shape else None
    return None
