"""Every result has the shape that the operator makes of its inputs.

Shapes are compared without dimensions of one element: those are the same memory, and files
differ in how they write them. Where the shape depends on values that are only known when the
model runs, nothing is compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pipeline.convert.checks.options import of
from pipeline.convert.checks.sizes import ELEMENTS
from pipeline.convert.checks.words import damaged, given, named
from pipeline.convert.graph import Graph, Op, Tensor

Shape = tuple[int, ...]
Made = list[Shape] | None
"""A shape for each output; None where it isn't known."""

_PIECES = 4096
"""Of an image that is cut into blocks: each is a copy of its own."""
_SIDE = 32_767
"""Of an image that is resized; positions are int16."""


class Contradiction(Exception):
    """Inputs that don't fit together, in words."""


def check(graph: Graph) -> None:
    """Raises ModelError where an output's shape is not what the inputs make."""
    for op in graph.ops:
        rule = RULES.get(op.name)
        if rule is None:
            continue
        try:
            _check_pieces(graph, op)
            made = rule(graph, op)
        except Contradiction as problem:
            raise damaged(graph, op, str(problem)) from problem
        for index, shape in zip(op.outputs, made or (), strict=False):
            t = graph.tensors[index]
            if _short(t.shape) != _short(shape):
                what = (
                    f"the op writes {named(t)} of shape {list(t.shape)}, "
                    f"its inputs make {list(shape)}"
                )
                raise damaged(graph, op, what)


def _check_pieces(graph: Graph, op: Op) -> None:
    if op.name in ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"):
        block = _numbers(given(graph, op, 1))
        if block is not None and math.prod(block) > _PIECES:
            raise Contradiction(f"an image cut into blocks of {block}")


def _short(shape: Sequence[int]) -> list[int]:
    return [n for n in shape if n != 1]


def _data(graph: Graph, op: Op, position: int) -> Shape:
    t = given(graph, op, position)
    if t is None:
        raise Contradiction(f"input {position} is missing")
    return t.shape


def _numbers(t: Tensor | None) -> list[int] | None:
    """A constant's integers; None where it is computed."""
    if t is None or t.data is None:
        return None
    if t.dtype not in ("int32", "int64"):
        raise Contradiction(f"{named(t)} holds {t.dtype}, integers belong there")
    return [int(v) for v in t.data.reshape(-1)]


def _axis(value: int, rank: int) -> int:
    if not -rank <= value < rank:
        raise Contradiction(f"axis {value} of {rank} dimensions")
    return value % rank


def _broadcast(*shapes: Shape) -> Shape:
    rank = max(len(s) for s in shapes)
    full = [(1,) * (rank - len(s)) + s for s in shapes]
    result = []
    for sizes in zip(*full, strict=True):
        wanted = {n for n in sizes if n != 1}
        if len(wanted) > 1:
            raise Contradiction(f"shapes {', '.join(str(list(s)) for s in shapes)} don't match")
        result.append(wanted.pop() if wanted else 1)
    return tuple(result)


def _same(graph: Graph, op: Op) -> Made:
    return [_data(graph, op, 0)]


def _pair(graph: Graph, op: Op) -> Made:
    return [_broadcast(_data(graph, op, 0), _data(graph, op, 1))]


def _select(graph: Graph, op: Op) -> Made:
    return [_broadcast(*(_data(graph, op, i) for i in range(3)))]


def _dense(graph: Graph, op: Op) -> Made:
    data, weights = _data(graph, op, 0), _data(graph, op, 1)
    if len(weights) < 2 or min(weights) < 1:
        raise Contradiction(f"weights of shape {list(weights)}")
    if not data:
        raise Contradiction("data without dimensions")
    rows, left = divmod(math.prod(data), weights[-1])
    if left:
        raise Contradiction(f"data of shape {list(data)} for weights of shape {list(weights)}")
    outputs = math.prod(weights[:-1])
    bias = given(graph, op, 2)
    if bias is not None and math.prod(bias.shape) != outputs:
        raise Contradiction(f"{named(bias)} has {math.prod(bias.shape)} biases, not {outputs}")
    result = graph.tensors[op.outputs[0]].shape
    if math.prod(result) == rows * outputs and result[-1:] == (outputs,):
        return None  # leading dimensions may be kept or joined
    return [(rows, outputs)]


def _view(graph: Graph, op: Op) -> Made:
    data = math.prod(_data(graph, op, 0))
    result = graph.tensors[op.outputs[0]].shape
    return None if math.prod(result) == data else [(data,)]


def _concatenation(graph: Graph, op: Op) -> Made:
    parts = [_data(graph, op, i) for i in range(len(op.inputs))]
    if not parts or any(len(p) != len(parts[0]) for p in parts):
        raise Contradiction("parts of different ranks")
    axis = _axis(of(op, "axis"), len(parts[0]))
    shape = list(parts[0])
    shape[axis] = sum(p[axis] for p in parts)
    rest = {(*p[:axis], *p[axis + 1 :]) for p in parts}
    if len(rest) > 1:
        raise Contradiction("parts that don't fit together")
    return [tuple(shape)]


def _split(graph: Graph, op: Op) -> Made:
    values, where = (1, 0) if op.name == "SPLIT" else (0, 2)
    data, axes = _data(graph, op, values), _numbers(given(graph, op, where))
    if not axes:
        return None
    axis = _axis(axes[0], len(data))
    sizes = [data[axis] // len(op.outputs)] * len(op.outputs)
    if op.name == "SPLIT_V":
        known = _numbers(given(graph, op, 1))
        if known is None:
            return None
        sizes = [data[axis] - sum(k for k in known if k > 0) if n == -1 else n for n in known]
    if len(sizes) != len(op.outputs) or sum(sizes) != data[axis]:
        raise Contradiction(f"{data[axis]} elements in parts of {sizes}")
    return [(*data[:axis], n, *data[axis + 1 :]) for n in sizes]


def _transpose(graph: Graph, op: Op) -> Made:
    data, order = _data(graph, op, 0), _numbers(given(graph, op, 1))
    if order is None:
        return None
    axes = [_axis(v, len(data)) for v in order]
    if sorted(axes) != list(range(len(data))):
        raise Contradiction(f"permutation {order} of {len(data)} dimensions")
    return [tuple(data[a] for a in axes)]


def _pad(graph: Graph, op: Op) -> Made:
    data, amounts = _data(graph, op, 0), _numbers(given(graph, op, 1))
    if amounts is None:
        return None
    if len(amounts) != 2 * len(data) or min(amounts, default=0) < 0:
        raise Contradiction(f"paddings {amounts} for {len(data)} dimensions")
    if max(amounts, default=0) > ELEMENTS:
        raise Contradiction(f"paddings {amounts}")
    return [tuple(n + sum(amounts[2 * d : 2 * d + 2]) for d, n in enumerate(data))]


def _reduce(graph: Graph, op: Op) -> Made:
    data, axes = _data(graph, op, 0), _numbers(given(graph, op, 1))
    if axes is None:
        return None
    over = {_axis(a, len(data)) for a in axes} if data else set()
    return [tuple(1 if d in over else n for d, n in enumerate(data))]


def _arg(graph: Graph, op: Op) -> Made:
    data, axes = _data(graph, op, 0), _numbers(given(graph, op, 1))
    if not axes:
        return None
    axis = _axis(axes[0], len(data))
    return [(*data[:axis], *data[axis + 1 :])]


def _resize(graph: Graph, op: Op) -> Made:
    data, size = _data(graph, op, 0), _numbers(given(graph, op, 1))
    if size is None:
        return None
    if len(data) != 4 or len(size) != 2 or not 1 <= min(size) <= max(size) <= _SIDE:
        raise Contradiction(f"{list(data)} resized to {size}")
    return [(data[0], size[0], size[1], data[3])]


def _matmul(graph: Graph, op: Op) -> Made:
    a, b = _data(graph, op, 0), _data(graph, op, 1)
    if min(len(a), len(b)) < 2:
        raise Contradiction(f"matrices of shape {list(a)} and {list(b)}")
    rows, depth = a[-2:][:: -1 if op.options.get("adj_x") else 1]
    other, columns = b[-2:][:: -1 if op.options.get("adj_y") else 1]
    if depth != other:
        raise Contradiction(f"matrices of shape {list(a)} and {list(b)}")
    return [(*_broadcast(a[:-2], b[:-2]), rows, columns)]


def _blocks(graph: Graph, op: Op) -> Made:
    """SPACE_TO_DEPTH and DEPTH_TO_SPACE."""
    data, block = _data(graph, op, 0), of(op, "block_size")
    if len(data) != 4:
        raise Contradiction(f"data of shape {list(data)}")
    n, h, w, c = data
    if op.name == "SPACE_TO_DEPTH":
        if h % block or w % block:
            raise Contradiction(f"blocks of {block} from {list(data)}")
        return [(n, h // block, w // block, c * block * block)]
    if c % (block * block):
        raise Contradiction(f"blocks of {block} from {list(data)}")
    return [(n, h * block, w * block, c // (block * block))]


def _pack(graph: Graph, op: Op) -> Made:
    part = _data(graph, op, 0)
    if any(_data(graph, op, i) != part for i in range(len(op.inputs))):
        raise Contradiction("parts that don't fit together")
    axis = _axis(of(op, "axis"), len(part) + 1)
    return [(*part[:axis], len(op.inputs), *part[axis:])]


def _unpack(graph: Graph, op: Op) -> Made:
    data = _data(graph, op, 0)
    axis = _axis(of(op, "axis"), len(data))
    if data[axis] != len(op.outputs):
        raise Contradiction(f"{len(op.outputs)} parts of {data[axis]}")
    return [(*data[:axis], *data[axis + 1 :])] * len(op.outputs)


Rule = Callable[[Graph, Op], Made]

RULES: dict[str, Rule] = {
    **dict.fromkeys(
        (
            "ABS", "CAST", "CEIL", "COS", "DEQUANTIZE", "ELU", "EXP", "FLOOR", "GELU",
            "HARD_SWISH", "L2_NORMALIZATION", "LEAKY_RELU", "LOG", "LOGICAL_NOT", "LOGISTIC",
            "LOG_SOFTMAX", "NEG", "QUANTIZE", "RELU", "RELU6", "RELU_N1_TO_1", "REVERSE_V2",
            "ROUND", "RSQRT", "SIN", "SOFTMAX", "SQRT", "SQUARE", "TANH",
        ),
        _same,
    ),
    **dict.fromkeys(
        (
            "ADD", "DIV", "EQUAL", "FLOOR_DIV", "FLOOR_MOD", "GREATER", "GREATER_EQUAL", "LESS",
            "LESS_EQUAL", "LOGICAL_AND", "LOGICAL_OR", "MAXIMUM", "MINIMUM", "MUL", "NOT_EQUAL",
            "PRELU", "SQUARED_DIFFERENCE", "SUB",
        ),
        _pair,
    ),
    **dict.fromkeys(("MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM"), _reduce),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), _arg),
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _pad),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), _resize),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _view),
    **dict.fromkeys(("SPACE_TO_DEPTH", "DEPTH_TO_SPACE"), _blocks),
    **dict.fromkeys(("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), lambda graph, op: None),
    **dict.fromkeys(("SPLIT", "SPLIT_V"), _split),
    "BATCH_MATMUL": _matmul,
    "CONCATENATION": _concatenation,
    "FULLY_CONNECTED": _dense,
    "PACK": _pack,
    "SELECT_V2": _select,
    "TRANSPOSE": _transpose,
    "UNPACK": _unpack,
}  # fmt: skip
"""Operator -> the shapes it makes."""
