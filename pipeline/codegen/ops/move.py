"""Ops that only move elements: PAD, CONCATENATION, SPLIT, STRIDED_SLICE, TRANSPOSE.

Each comes down to strided copies: for every dimension an extent and a step on both
sides, with neighbouring dimensions joined where both sides step evenly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.codegen.broadcast import merge, strides
from pipeline.codegen.dtypes import CTYPES
from pipeline.codegen.kernels.kernel import Code, Constant, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.convert.graph import Graph, Op, Tensor

MAX_RANK = 6


@dataclass(frozen=True)
class Copy:
    """One strided copy between an input and an output of an op.

    Attributes:
        source, target: positions in op.inputs and op.outputs.
        extents: elements along each dimension, outermost first.
        steps_from, steps_to: elements between neighbours, on either side.
        start_from, start_to: where the first element is.
    """

    source: int
    target: int
    extents: Sequence[int]
    steps_from: Sequence[int]
    steps_to: Sequence[int]
    start_from: int = 0
    start_to: int = 0


Plan = Callable[[Graph, Op], list[Copy]]


def copies(site: Site, plan: list[Copy], padding: Constant | None = None) -> Code:
    """C for copies, after filling the output with `padding` where given."""
    size = np.dtype(common.output(site.graph, site.op).dtype).itemsize
    lines: list[str] = []
    files = {"kernels.h", "portable/copy_nd.c"}
    if padding is not None:
        count = common.elements(common.output(site.graph, site.op))
        lines.append(f"fill({site.output()}, {site.constant(padding.name)}, {size}, {count});")
        files.add("portable/fill.c")
    for number, copy in enumerate(plan):
        extents, (source, target) = merge(copy.extents, copy.steps_from, copy.steps_to)
        name = "params" if len(plan) == 1 else f"part_{number}"
        params = Initializer(
            "copy_t",
            {
                "size": size,
                "rank": len(extents),
                "extent": tuple(extents),
                "from": tuple(source),
                "to": tuple(target),
                "from_offset": copy.start_from,
                "to_offset": copy.start_to,
            },
        )
        lines.append(params.declare(name))
        lines.append(f"copy_nd(&{name}, {site.input(copy.source)}, {site.output(copy.target)});")
    return Code(
        function="copy_nd",
        body="\n".join(lines),
        constants=() if padding is None else (padding,),
        files=tuple(sorted(files)),
    )


def integers(t: Tensor) -> list[int]:
    """A constant integer tensor as a list."""
    assert t.data is not None
    return [int(v) for v in t.data.reshape(-1)]


def check_moved(graph: Graph, op: Op, sources: Sequence[int]) -> Problem:
    """Types, quantisation and rank of what is moved from `sources` to all outputs."""
    for i in op.outputs:
        result = graph.tensors[i]
        for position in sources:
            data = tensor(graph, op, position)
            if data.dtype != result.dtype or data.dtype not in CTYPES:
                return f"{data.dtype} data", common.REQUANTISE
            if max(len(data.shape), len(result.shape)) > MAX_RANK:
                return f"{len(data.shape)} dimensions, at most {MAX_RANK}", common.TFLM
            if 0 in data.shape or 0 in result.shape:
                return "a tensor without elements", common.BROKEN
            problem = common.same_quantisation(data, result)
            if problem:
                return problem
    return None


# CONCATENATION


def _concat_axis(graph: Graph, op: Op) -> int:
    rank = len(common.output(graph, op).shape)
    axis = int(op.options.get("axis", 0))
    return axis + rank if axis < 0 else axis


def _check_concat(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 1, 64)
    if problem or min(op.inputs) < 0:
        return problem or ("an absent input", common.BROKEN)
    if common.fused(op):
        return "a fused activation", "use a separate activation layer"
    problem = check_moved(graph, op, range(len(op.inputs)))
    if problem:
        return problem
    result, axis = common.output(graph, op), _concat_axis(graph, op)
    parts = [tensor(graph, op, i).shape for i in range(len(op.inputs))]
    if not 0 <= axis < len(result.shape) or any(len(p) != len(result.shape) for p in parts):
        return f"axis {axis} of {len(result.shape)} dimensions", common.BROKEN
    for d, n in enumerate(result.shape):
        along = [p[d] for p in parts]
        if (sum(along) != n) if d == axis else any(v != n for v in along):
            return "shapes that don't fit together", common.BROKEN
    return None


def _plan_concat(graph: Graph, op: Op) -> list[Copy]:
    result, axis = common.output(graph, op), _concat_axis(graph, op)
    steps, start, plan = strides(result.shape), 0, []
    for i in range(len(op.inputs)):
        shape = tensor(graph, op, i).shape
        plan.append(Copy(i, 0, shape, strides(shape), steps, 0, start))
        start += shape[axis] * steps[axis]
    return plan


# SPLIT and SPLIT_V


def _split(graph: Graph, op: Op) -> tuple[int, int]:
    """(position of the data, axis)."""
    data, axis = (1, 0) if op.name == "SPLIT" else (0, 2)
    value = integers(tensor(graph, op, axis))[0]
    rank = len(tensor(graph, op, data).shape)
    return data, value + rank if value < 0 else value


def _check_split(graph: Graph, op: Op) -> Problem:
    count = 2 if op.name == "SPLIT" else 3
    if len(op.inputs) != count or min(op.inputs) < 0 or not op.outputs:
        return f"{len(op.inputs)} inputs, expected {count}", common.BROKEN
    axis_tensor = tensor(graph, op, 0 if op.name == "SPLIT" else 2)
    problem = common.constant(axis_tensor, "axis")
    if problem or common.elements(axis_tensor) != 1 or axis_tensor.dtype != "int32":
        return problem or ("an axis that is no number", common.BROKEN)
    data, axis = _split(graph, op)
    problem = check_moved(graph, op, [data])
    if problem:
        return problem
    shape = tensor(graph, op, data).shape
    parts = [graph.tensors[i].shape for i in op.outputs]
    if not 0 <= axis < len(shape) or any(len(p) != len(shape) for p in parts):
        return f"axis {axis} of {len(shape)} dimensions", common.BROKEN
    for d, n in enumerate(shape):
        along = [p[d] for p in parts]
        if (sum(along) != n) if d == axis else any(v != n for v in along):
            return "shapes that don't fit together", common.BROKEN
    return None


def _plan_split(graph: Graph, op: Op) -> list[Copy]:
    data, axis = _split(graph, op)
    steps, start, plan = strides(tensor(graph, op, data).shape), 0, []
    for i, index in enumerate(op.outputs):
        shape = graph.tensors[index].shape
        plan.append(Copy(data, i, shape, steps, strides(shape), start, 0))
        start += shape[axis] * steps[axis]
    return plan


# STRIDED_SLICE


def _ranges(graph: Graph, op: Op) -> list[tuple[int, int, int]] | None:
    """(first index, elements, step) along each dimension; None where it makes no sense."""
    shape = tensor(graph, op, 0).shape
    begin, end, step = (integers(tensor(graph, op, i)) for i in (1, 2, 3))
    if not len(begin) == len(end) == len(step) == len(shape) or 0 in step:
        return None
    o, result = op.options, []
    for d, size in enumerate(shape):
        lower = None if int(o.get("begin_mask", 0)) >> d & 1 else begin[d]
        upper = None if int(o.get("end_mask", 0)) >> d & 1 else end[d]
        if int(o.get("shrink_axis_mask", 0)) >> d & 1:
            at = begin[d] + size if begin[d] < 0 else begin[d]
            if not 0 <= at < size or step[d] < 0:
                return None
            result.append((at, 1, 1))
            continue
        indices = range(*slice(lower, upper, step[d]).indices(size))
        result.append((indices.start, len(indices), step[d]))
    return result


def _check_slice(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 4)
    if problem:
        return problem
    for i in (1, 2, 3):
        problem = common.constant(tensor(graph, op, i), "bounds")
        if problem or tensor(graph, op, i).dtype != "int32":
            return problem or ("bounds that are no int32", common.BROKEN)
    for mask in ("ellipsis_mask", "new_axis_mask", "offset"):
        if op.options.get(mask, 0):
            return f"{mask} is set", "slice without `...` and without new dimensions"
    problem = check_moved(graph, op, [0])
    if problem:
        return problem
    ranges = _ranges(graph, op)
    if ranges is None:
        return "bounds beyond the data", common.BROKEN
    if int(np.prod([n for _, n, _ in ranges])) != common.elements(common.output(graph, op)):
        return f"output of shape {list(common.output(graph, op).shape)}", common.BROKEN
    return None


def _plan_slice(graph: Graph, op: Op) -> list[Copy]:
    ranges = _ranges(graph, op)
    assert ranges is not None
    steps = strides(tensor(graph, op, 0).shape)
    extents = [n for _, n, _ in ranges]
    return [
        Copy(
            0,
            0,
            extents,
            [s * r[2] for s, r in zip(steps, ranges, strict=True)],
            strides(extents),
            sum(s * r[0] for s, r in zip(steps, ranges, strict=True)),
        )
    ]


# TRANSPOSE


def _check_transpose(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 2)
    if problem:
        return problem
    data, order, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.constant(order, "permutation")
    if problem or order.dtype != "int32":
        return problem or ("a permutation that is no int32", common.BROKEN)
    problem = check_moved(graph, op, [0])
    if problem:
        return problem
    rank = len(data.shape)
    axes = [v + rank if v < 0 else v for v in integers(order)]
    if sorted(axes) != list(range(rank)) or result.shape != tuple(data.shape[a] for a in axes):
        return f"permutation {integers(order)}", common.BROKEN
    return None


def _plan_transpose(graph: Graph, op: Op) -> list[Copy]:
    data, result = tensor(graph, op, 0), common.output(graph, op)
    steps, rank = strides(data.shape), len(data.shape)
    axes = [v + rank if v < 0 else v for v in integers(tensor(graph, op, 1))]
    return [Copy(0, 0, result.shape, [steps[a] for a in axes], strides(result.shape))]


# PAD and PADV2


def _check_pad(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 2, 3)
    if problem:
        return problem
    data, amounts, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.constant(amounts, "paddings")
    if problem or amounts.dtype not in ("int32", "int64"):
        return problem or (f"{amounts.dtype} paddings", common.BROKEN)
    # What is filled in is the output's zero; the data itself is moved.
    problem = check_moved(graph, op, [0])
    if problem:
        return problem
    flat = np.asarray(integers(amounts))
    if len(flat) != 2 * len(data.shape) or flat.min(initial=0) < 0:
        return f"paddings {flat.tolist()}", common.BROKEN
    pairs = flat.reshape(-1, 2)
    if result.shape != tuple(n + int(p.sum()) for n, p in zip(data.shape, pairs, strict=True)):
        return f"output of shape {list(result.shape)}", common.BROKEN
    value = common.optional(graph, op, 2)
    if value is None:
        return None
    if value.dtype != data.dtype or common.elements(value) != 1:
        return f"a {value.dtype} padding value", common.BROKEN
    return common.first(
        common.constant(value, "padding values"), common.same_quantisation(value, result)
    )


def _lower_pad(site: Site) -> Code:
    graph, op = site.graph, site.op
    data, result = tensor(graph, op, 0), common.output(graph, op)
    pairs = np.asarray(integers(tensor(graph, op, 1))).reshape(-1, 2)
    steps = strides(result.shape)
    start = sum(int(p[0]) * s for p, s in zip(pairs, steps, strict=True))
    value = common.optional(graph, op, 2)
    if value is not None and value.data is not None:
        element = value.data.reshape(-1)
    else:
        element = np.array([zero_of(result)], np.dtype(result.dtype))
    padding = Constant("padding", CTYPES[result.dtype], element)
    return copies(site, [Copy(0, 0, data.shape, strides(data.shape), steps, 0, start)], padding)


def moved_elements(graph: Graph, op: Op) -> float:
    """Instructions of copies: all outputs are written once."""
    return 4.0 * sum(common.elements(graph.tensors[i]) for i in op.outputs)


@dataclass(frozen=True)
class Mover(Portable):
    """A portable kernel out of copies; `plan` lists them."""

    plan: Plan = lambda graph, op: []


def planned(plan: Plan) -> Mover:
    """A portable kernel out of copies."""
    return Mover(lambda site: copies(site, plan(site.graph, site.op)), moved_elements, plan=plan)


_BASE = Support(name="", dtypes=tuple(CTYPES), kernels=[], check=lambda graph, op: None)

SUPPORT = (
    replace(
        _BASE,
        name="CONCATENATION",
        kernels=[planned(_plan_concat)],
        check=_check_concat,
        versions=(1, 5),
    ),
    replace(
        _BASE, name="SPLIT", kernels=[planned(_plan_split)], check=_check_split, versions=(1, 5)
    ),
    replace(
        _BASE,
        name="SPLIT_V",
        kernels=[planned(_plan_split)],
        check=_check_split,
        versions=(1, 2),
    ),
    replace(
        _BASE,
        name="STRIDED_SLICE",
        kernels=[planned(_plan_slice)],
        check=_check_slice,
        notes="constant bounds; no ellipsis, no new dimensions",
        versions=(1, 9),
    ),
    replace(
        _BASE,
        name="TRANSPOSE",
        kernels=[planned(_plan_transpose)],
        check=_check_transpose,
        notes="constant permutation",
        versions=(1, 7),
    ),
    *(
        replace(
            _BASE,
            name=name,
            kernels=[Portable(_lower_pad, moved_elements)],
            check=_check_pad,
            notes="constant paddings",
            versions=(1, 5),
        )
        for name in ("PAD", "PADV2")
    ),
)
