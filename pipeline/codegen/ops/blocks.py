"""Blocks of pixels against batches or channels, and stacks of tensors.

SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND, SPACE_TO_DEPTH, DEPTH_TO_SPACE, PACK, UNPACK,
SLICE, BROADCAST_TO and TILE: all of them strided copies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pipeline.codegen.broadcast import broadcast_shape, broadcast_steps, merge, strides
from pipeline.codegen.dtypes import CTYPES
from pipeline.codegen.kernels.kernel import Code, Constant, Kernel, Portable, Site, Support
from pipeline.codegen.numeric import zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.codegen.ops.move import (
    MAX_RANK,
    Copy,
    check_moved,
    copies,
    integers,
    moved_elements,
    planned,
)
from pipeline.convert.graph import Graph, Op

# SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND


def _image(shape: Sequence[int]) -> tuple[int, int, int, int]:
    """(batch, height, width, channels); three dimensions have a width of 1."""
    if len(shape) == 3:
        return shape[0], shape[1], 1, shape[2]
    return shape[0], shape[1], shape[2], shape[3]


def _block(graph: Graph, op: Op) -> tuple[tuple[int, int], tuple[int, int]]:
    """((block height, width), (rows, columns cut off or padded before))."""
    block, edges = integers(tensor(graph, op, 1)), integers(tensor(graph, op, 2))
    if len(block) == 1:
        return (block[0], 1), (edges[0], 0)
    return (block[0], block[1]), (edges[0], edges[2])


def _check_batch(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 3)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    for i in (1, 2):
        problem = common.constant(tensor(graph, op, i), "block and edges")
        if problem or tensor(graph, op, i).dtype != "int32":
            return problem or ("blocks that are no int32", common.BROKEN)
    problem = check_moved(graph, op, [0])
    if problem:
        return problem
    if not 3 <= len(data.shape) <= 4 or len(result.shape) != len(data.shape):
        return f"data of shape {list(data.shape)}", common.TFLM
    block, edges = integers(tensor(graph, op, 1)), integers(tensor(graph, op, 2))
    spatial = len(data.shape) - 2
    if len(block) != spatial or len(edges) != 2 * spatial or min(block) < 1 or min(edges) < 0:
        return f"block {block} with edges {edges}", common.BROKEN
    inner, outer = (data, result) if op.name == "SPACE_TO_BATCH_ND" else (result, data)
    # `inner` is the whole image, `outer` its pixels spread over the batches.
    if outer.shape[0] != inner.shape[0] * math.prod(block) or inner.shape[-1] != outer.shape[-1]:
        return f"shapes {list(data.shape)} and {list(result.shape)}", common.BROKEN
    for d in range(spatial):
        if inner.shape[1 + d] + edges[2 * d] + edges[2 * d + 1] != outer.shape[1 + d] * block[d]:
            return f"shapes {list(data.shape)} and {list(result.shape)}", common.BROKEN
    return None


def _inside(size: int, block: int, phase: int, edge: int, count: int) -> range:
    """Which of `count` pixels of a phase lie inside an image of `size`."""
    low = -(-max(edge - phase, 0) // block)
    high = min(count, -(-(size + edge - phase) // block))
    return range(low, max(low, high))


def _plan_batch(graph: Graph, op: Op) -> list[Copy]:
    to_batch = op.name == "SPACE_TO_BATCH_ND"
    data, result = tensor(graph, op, 0), common.output(graph, op)
    inner, outer = (data, result) if to_batch else (result, data)
    n, height, width, channels = _image(inner.shape)
    (bh, bw), (top, left) = _block(graph, op)
    whole, spread = strides(_image(inner.shape)), strides(_image(outer.shape))
    plan = []
    for phase in range(bh * bw):
        ph, pw = divmod(phase, bw)
        rows = _inside(height, bh, ph, top, _image(outer.shape)[1])
        columns = _inside(width, bw, pw, left, _image(outer.shape)[2])
        if not rows or not columns:
            continue
        inner_start = (rows.start * bh + ph - top) * whole[1]
        inner_start += (columns.start * bw + pw - left) * whole[2]
        outer_start = phase * n * spread[0] + rows.start * spread[1] + columns.start * spread[2]
        extents = [n, len(rows), len(columns), channels]
        inner_steps = [whole[0], whole[1] * bh, whole[2] * bw, 1]
        if to_batch:
            plan.append(Copy(0, 0, extents, inner_steps, spread, inner_start, outer_start))
        else:
            plan.append(Copy(0, 0, extents, spread, inner_steps, outer_start, inner_start))
    return plan


def _lower_to_batch(site: Site) -> Code:
    plan = _plan_batch(site.graph, site.op)
    result = common.output(site.graph, site.op)
    if sum(math.prod(c.extents) for c in plan) == common.elements(result):
        return copies(site, plan)
    # As TensorFlow Lite does; TFLM pads with whatever its memory held.
    zero = np.array([zero_of(result)], np.dtype(result.dtype))
    padding = Constant("padding", CTYPES[result.dtype], zero)
    return copies(site, plan, padding)


# SPACE_TO_DEPTH and DEPTH_TO_SPACE


def _check_depth(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 1) or check_moved(graph, op, [0])
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    b = int(op.options.get("block_size", 0))
    if len(data.shape) != 4 or len(result.shape) != 4 or b < 1:
        return f"data of shape {list(data.shape)}, block {b}", common.BROKEN
    fine, coarse = (data, result) if op.name == "SPACE_TO_DEPTH" else (result, data)
    n, h, w, c = fine.shape
    if h % b or w % b or coarse.shape != (n, h // b, w // b, c * b * b):
        return f"shapes {list(data.shape)} and {list(result.shape)}", common.BROKEN
    return None


def _plan_depth(graph: Graph, op: Op) -> list[Copy]:
    to_depth = op.name == "SPACE_TO_DEPTH"
    data, result = tensor(graph, op, 0), common.output(graph, op)
    n, h, w, c = (data if to_depth else result).shape
    b = int(op.options["block_size"])
    row = w * c
    # Dimensions: batch, row of blocks, block, row in it, column in it, channel.
    extents = [n, h // b, w // b, b, b, c]
    fine = [h * row, b * row, b * c, row, c, 1]
    coarse = strides(extents)
    return [Copy(0, 0, extents, *((fine, coarse) if to_depth else (coarse, fine)))]


# PACK and UNPACK


def _stack_axis(op: Op, rank: int) -> int:
    axis = int(op.options.get("axis", 0))
    return axis + rank if axis < 0 else axis


def _check_stack(graph: Graph, op: Op) -> Problem:
    packing = op.name == "PACK"
    if not op.inputs or not op.outputs or min(op.inputs) < 0:
        return "no inputs or outputs", common.BROKEN
    if len(op.outputs if packing else op.inputs) != 1:
        return "more than one stack", common.BROKEN
    problem = check_moved(graph, op, range(len(op.inputs)))
    if problem:
        return problem
    stack = graph.tensors[op.outputs[0] if packing else op.inputs[0]].shape
    parts = [graph.tensors[i].shape for i in (op.inputs if packing else op.outputs)]
    axis = _stack_axis(op, len(stack))
    if not 0 <= axis < len(stack) or stack[axis] != len(parts):
        return f"axis {axis} of {len(stack)} dimensions", common.BROKEN
    if any(math.prod(p) * len(parts) != math.prod(stack) for p in parts):
        return "shapes that don't fit together", common.BROKEN
    return None


def _plan_stack(graph: Graph, op: Op) -> list[Copy]:
    packing = op.name == "PACK"
    stack = graph.tensors[op.outputs[0] if packing else op.inputs[0]].shape
    axis = _stack_axis(op, len(stack))
    rows, inner = math.prod(stack[:axis]), math.prod(stack[axis + 1 :])
    plan = []
    for i in range(stack[axis]):
        spread, dense = [stack[axis] * inner, 1], [inner, 1]
        if packing:
            plan.append(Copy(i, 0, [rows, inner], dense, spread, 0, i * inner))
        else:
            plan.append(Copy(0, i, [rows, inner], spread, dense, i * inner, 0))
    return plan


# SLICE


def _check_slice(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 3)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    for i in (1, 2):
        problem = common.constant(tensor(graph, op, i), "bounds")
        if problem or tensor(graph, op, i).dtype not in ("int32", "int64"):
            return problem or ("bounds that are no integers", common.BROKEN)
    problem = check_moved(graph, op, [0])
    if problem:
        return problem
    begin, size = integers(tensor(graph, op, 1)), integers(tensor(graph, op, 2))
    if not len(begin) == len(size) == len(data.shape) == len(result.shape):
        return "bounds for another rank", common.BROKEN
    for at, wanted, n, got in zip(begin, size, data.shape, result.shape, strict=True):
        if not 0 <= at <= at + got <= n or wanted not in (got, -1):
            return f"bounds {begin}, {size} of {list(data.shape)}", common.BROKEN
    return None


def _plan_slice(graph: Graph, op: Op) -> list[Copy]:
    result, begin = common.output(graph, op), integers(tensor(graph, op, 1))
    steps = strides(tensor(graph, op, 0).shape)
    start = sum(a * s for a, s in zip(begin, steps, strict=True))
    return [Copy(0, 0, result.shape, steps, strides(result.shape), start)]


# BROADCAST_TO


def _check_broadcast(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 2) or check_moved(graph, op, [0])
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    if broadcast_shape(data.shape, result.shape) != list(result.shape):
        return f"shape {list(data.shape)} to {list(result.shape)}", common.BROKEN
    return None


def _plan_broadcast(graph: Graph, op: Op) -> list[Copy]:
    data, result = tensor(graph, op, 0), common.output(graph, op)
    steps = broadcast_steps(data.shape, len(result.shape))
    return [Copy(0, 0, result.shape, steps, strides(result.shape))]


# TILE


def _check_tile(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 2)
    if problem:
        return problem
    data, times, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.constant(times, "multiples") or check_moved(graph, op, [0])
    if problem:
        return problem
    if times.dtype not in ("int32", "int64") or common.elements(times) != len(data.shape):
        return "multiples for another rank", common.BROKEN
    wanted = tuple(n * m for n, m in zip(data.shape, integers(times), strict=True))
    if min(integers(times), default=1) < 1 or result.shape != wanted:
        return f"multiples {integers(times)} of {list(data.shape)}", common.BROKEN
    if len(merge(*_tiles(graph, op))[0]) > MAX_RANK:
        return f"{len(data.shape)} dimensions, repeated along several", common.TFLM
    return None


def _tiles(graph: Graph, op: Op) -> tuple[list[int], list[int], list[int]]:
    """Extents and steps on both sides; each dimension is one of repeats and one of elements."""
    data, times = tensor(graph, op, 0), integers(tensor(graph, op, 1))
    inner, outer = strides(data.shape), strides(common.output(graph, op).shape)
    extents = [v for n, m in zip(data.shape, times, strict=True) for v in (m, n)]
    come = [v for s in inner for v in (0, s)]
    go = [v for n, s in zip(data.shape, outer, strict=True) for v in (n * s, s)]
    return extents, come, go


def _plan_tile(graph: Graph, op: Op) -> list[Copy]:
    extents, come, go = _tiles(graph, op)
    sizes, (source, target) = merge(extents, come, go)
    return [Copy(0, 0, sizes, source, target)]


def _support(
    name: str, kernel: Kernel, check: object, versions: tuple[int, int], notes: str = ""
) -> Support:
    assert callable(check)
    return Support(name, tuple(CTYPES), [kernel], check, notes, versions)


SUPPORT = (
    _support("SPACE_TO_BATCH_ND", Portable(_lower_to_batch, moved_elements), _check_batch, (1, 4)),
    _support("BATCH_TO_SPACE_ND", planned(_plan_batch), _check_batch, (1, 4)),
    _support("SPACE_TO_DEPTH", planned(_plan_depth), _check_depth, (1, 2)),
    _support("DEPTH_TO_SPACE", planned(_plan_depth), _check_depth, (1, 2)),
    _support("PACK", planned(_plan_stack), _check_stack, (1, 4)),
    _support("UNPACK", planned(_plan_stack), _check_stack, (1, 4)),
    _support("SLICE", planned(_plan_slice), _check_slice, (1, 7), "constant bounds"),
    _support("BROADCAST_TO", planned(_plan_broadcast), _check_broadcast, (1, 3)),
    _support("TILE", planned(_plan_tile), _check_tile, (1, 3), "constant multiples"),
)
