"""MIRROR_PAD and REVERSE_V2: copies that go backwards."""

from __future__ import annotations

from itertools import product

import numpy as np

from pipeline.codegen.broadcast import strides
from pipeline.codegen.dtypes import CTYPES
from pipeline.codegen.kernels.kernel import Support
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.codegen.ops.move import Copy, check_moved, integers, planned
from pipeline.convert.graph import Graph, Op

_SYMMETRIC = 1
_MOST_COPIES = 27


def _amounts(graph: Graph, op: Op) -> list[tuple[int, int]]:
    pairs = np.asarray(integers(tensor(graph, op, 1))).reshape(-1, 2)
    return [(int(before), int(after)) for before, after in pairs]


def _check_mirror(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 2)
    if problem:
        return problem
    data, amounts, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.constant(amounts, "paddings")
    if problem or amounts.dtype not in ("int32", "int64"):
        return problem or (f"{amounts.dtype} paddings", common.BROKEN)
    problem = check_moved(graph, op, [0])
    if problem:
        return problem
    if common.elements(amounts) != 2 * len(data.shape):
        return f"{common.elements(amounts)} paddings", common.BROKEN
    pairs = _amounts(graph, op)
    edge = int(op.options.get("mode", 0)) != _SYMMETRIC
    for size, (before, after) in zip(data.shape, pairs, strict=True):
        if not 0 <= min(before, after) <= max(before, after) <= size - edge:
            return f"paddings {pairs} of {list(data.shape)}", common.BROKEN
    if result.shape != tuple(n + sum(p) for n, p in zip(data.shape, pairs, strict=True)):
        return f"output of shape {list(result.shape)}", common.BROKEN
    if 3 ** sum(any(p) for p in pairs) > _MOST_COPIES:
        return "mirrors along more than three dimensions", common.TFLM
    return None


def _plan_mirror(graph: Graph, op: Op) -> list[Copy]:
    """One copy for each combination of before, within and after, along each dimension."""
    data, result = tensor(graph, op, 0), common.output(graph, op)
    edge = 0 if int(op.options.get("mode", 0)) == _SYMMETRIC else 1
    ranges = []
    for size, (before, after) in zip(data.shape, _amounts(graph, op), strict=True):
        # (elements, first in the source, step there, first in the result)
        parts = [(before, before - 1 + edge, -1, 0), (size, 0, 1, before)]
        parts.append((after, size - 1 - edge, -1, before + size))
        ranges.append([p for p in parts if p[0]])
    steps_from, steps_to = strides(data.shape), strides(result.shape)
    return [
        Copy(
            source=0,
            target=0,
            extents=[count for count, *_ in parts],
            steps_from=[s * p[2] for s, p in zip(steps_from, parts, strict=True)],
            steps_to=steps_to,
            start_from=sum(s * p[1] for s, p in zip(steps_from, parts, strict=True)),
            start_to=sum(s * p[3] for s, p in zip(steps_to, parts, strict=True)),
        )
        for parts in product(*ranges)
    ]


def _axes(graph: Graph, op: Op) -> list[int]:
    rank = len(tensor(graph, op, 0).shape)
    return [a + rank if a < 0 else a for a in integers(tensor(graph, op, 1))]


def _check_reverse(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 2)
    if problem:
        return problem
    data, axis = tensor(graph, op, 0), tensor(graph, op, 1)
    problem = common.constant(axis, "axes")
    if problem or axis.dtype != "int32":
        return problem or (f"{axis.dtype} axes", common.BROKEN)
    problem = common.first(
        check_moved(graph, op, [0]), common.same_shape(data, common.output(graph, op))
    )
    if problem:
        return problem
    axes = _axes(graph, op)
    if len(set(axes)) != len(axes) or not all(0 <= a < len(data.shape) for a in axes):
        return f"axes {axes} of {len(data.shape)} dimensions", common.BROKEN
    return None


def _plan_reverse(graph: Graph, op: Op) -> list[Copy]:
    shape, axes = tensor(graph, op, 0).shape, _axes(graph, op)
    steps = strides(shape)
    start = sum(steps[a] * (shape[a] - 1) for a in axes)
    back = [-s if d in axes else s for d, s in enumerate(steps)]
    return [Copy(0, 0, shape, back, steps, start)]


SUPPORT = (
    Support(
        "MIRROR_PAD",
        tuple(CTYPES),
        [planned(_plan_mirror)],
        _check_mirror,
        "constant paddings",
        (1, 3),
    ),
    Support(
        "REVERSE_V2",
        tuple(CTYPES),
        [planned(_plan_reverse)],
        _check_reverse,
        "constant axes",
        (1, 3),
    ),
)
