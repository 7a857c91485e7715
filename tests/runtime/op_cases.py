"""Random models of one operator each: a strategy per operator the engine has.

`STRATEGIES` maps TFLite's builtin name to a hypothesis strategy of model bytes. The
contract test walks the engine's registry and fails where an operator has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tflite_builder import Build, T

Draw = Callable[..., Any]

zeros = st.integers(-128, 127)
scales = st.floats(0.001, 0.5).map(lambda v: float(np.float32(v)))
activations = st.sampled_from([0, 0, 1, 2, 3])
seeds = st.integers(0, 2**32 - 1)


def sizes(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


def s8(shape: tuple[int, ...], draw: Draw, **more: Any) -> T:
    """An int8 tensor with drawn quantisation."""
    return T(shape, "int8", draw(scales), draw(zeros), **more)


def extreme_scale(draw: Draw) -> float:
    """Mostly ordinary, sometimes so that multipliers pass 1 or shifts reach -31 and -36."""
    kind = draw(st.integers(0, 7))
    if kind == 0:
        return float(np.float32(draw(st.floats(1e-12, 1e-9))))
    if kind == 1:
        return float(np.float32(draw(st.floats(1.0, 30.0))))
    return draw(scales)


def weights(shape: tuple[int, ...], channels: int, axis: int, draw: Draw) -> T:
    random = np.random.default_rng(draw(seeds))
    data = random.integers(-127, 128, shape).astype(np.int8)
    if draw(st.booleans()):
        data = data * (random.random(shape) < 0.3).astype(np.int8)
    if draw(st.booleans()):
        base = extreme_scale(draw)
        scale = (base * random.uniform(0.5, 2.0, channels)).astype(np.float32)
        if draw(st.booleans()):
            scale[random.integers(channels)] *= np.float32(2.0**-33)
        return T(shape, "int8", scale, 0, axis=axis, data=data)
    return T(shape, "int8", extreme_scale(draw), 0, data=data)


def bias(channels: int, draw: Draw) -> T | None:
    if draw(st.booleans()) and draw(st.booleans()):
        return None
    data = np.random.default_rng(draw(seeds)).integers(-20000, 20000, channels)
    return T((channels,), "int32", 1.0, 0, data=data)


def out(padding: int, size: int, kernel: int, stride: int, dilation: int = 1) -> int:
    effective = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == 0 else (size + stride - effective) // stride


@st.composite
def conv_2d(draw: Draw) -> bytes:
    b = Build()
    kh, kw = draw(sizes(1, 4)), draw(sizes(1, 4))
    dh, dw = draw(sizes(1, 2)), draw(sizes(1, 2))
    sh, sw = draw(sizes(1, 3)), draw(sizes(1, 3))
    padding = draw(st.sampled_from([0, 1]))
    low_h, low_w = ((kh - 1) * dh + 1, (kw - 1) * dw + 1) if padding else (1, 1)
    h, w = low_h + draw(sizes(0, 5)), low_w + draw(sizes(0, 5))
    groups, per = draw(st.sampled_from([1, 1, 1, 2, 3])), draw(sizes(1, 9))
    oc = groups * draw(sizes(1, 5))
    batch = draw(st.sampled_from([1, 1, 1, 2]))
    x = b.input(T((batch, h, w, groups * per), "int8", extreme_scale(draw), draw(zeros)))
    inputs = [x, b.tensor(weights((oc, kh, kw, per), oc, 0, draw))]
    extra = bias(oc, draw)
    if extra:
        inputs.append(b.tensor(extra))
    shape = (batch, out(padding, h, kh, sh, dh), out(padding, w, kw, sw, dw), oc)
    b.outputs = b.op(
        "CONV_2D",
        inputs,
        [s8(shape, draw)],
        "Conv2DOptions",
        3,
        padding=padding,
        strideH=sh,
        strideW=sw,
        dilationHFactor=dh,
        dilationWFactor=dw,
        fusedActivationFunction=draw(activations),
    )
    return b.bytes()


@st.composite
def depthwise_conv_2d(draw: Draw) -> bytes:
    b = Build()
    kh, kw = draw(sizes(1, 4)), draw(sizes(1, 4))
    dh, dw = draw(sizes(1, 2)), draw(sizes(1, 2))
    sh = sw = draw(sizes(1, 2))
    padding = draw(st.sampled_from([0, 1]))
    low_h, low_w = ((kh - 1) * dh + 1, (kw - 1) * dw + 1) if padding else (1, 1)
    h, w = low_h + draw(sizes(0, 5)), low_w + draw(sizes(0, 5))
    c, m = draw(sizes(1, 9)), draw(st.sampled_from([1, 1, 2, 3]))
    x = b.input(s8((1, h, w, c), draw))
    inputs = [x, b.tensor(weights((1, kh, kw, c * m), c * m, 3, draw))]
    extra = bias(c * m, draw)
    if extra:
        inputs.append(b.tensor(extra))
    shape = (1, out(padding, h, kh, sh, dh), out(padding, w, kw, sw, dw), c * m)
    b.outputs = b.op(
        "DEPTHWISE_CONV_2D",
        inputs,
        [s8(shape, draw)],
        "DepthwiseConv2DOptions",
        3,
        padding=padding,
        strideH=sh,
        strideW=sw,
        dilationHFactor=dh,
        dilationWFactor=dw,
        depthMultiplier=m,
        fusedActivationFunction=draw(activations),
    )
    return b.bytes()


@st.composite
def fully_connected(draw: Draw) -> bytes:
    b = Build()
    rows, n, m = draw(sizes(1, 3)), draw(sizes(1, 40)), draw(sizes(1, 9))
    x = b.input(s8((rows, n), draw))
    w = weights((m, n), m, 0, draw)
    inputs = [x, b.tensor(w)]
    result = s8((rows, m), draw)
    extra = bias(m, draw)
    if extra:
        # TFLM wants the bias' scale to be the product of the others, per-tensor.
        extra.scale = float(np.float32(b.tensors[x].scale) * np.ravel(w.scale)[0])
        inputs.append(b.tensor(extra))
    b.outputs = b.op(
        "FULLY_CONNECTED",
        inputs,
        [result],
        "FullyConnectedOptions",
        4,
        fusedActivationFunction=draw(activations),
    )
    return b.bytes()


@st.composite
def pool(draw: Draw, name: str) -> bytes:
    b = Build()
    kh, kw = draw(sizes(1, 4)), draw(sizes(1, 4))
    sh, sw = draw(sizes(1, 3)), draw(sizes(1, 3))
    padding = draw(st.sampled_from([0, 1]))
    h, w = kh + draw(sizes(0, 5)), kw + draw(sizes(0, 5))
    c = draw(sizes(1, 9))
    t = s8((1, h, w, c), draw)
    x = b.input(t)
    shape = (1, out(padding, h, kh, sh), out(padding, w, kw, sw), c)
    b.outputs = b.op(
        name,
        [x],
        [T(shape, "int8", t.scale, t.zero)],
        "Pool2DOptions",
        2,
        padding=padding,
        strideH=sh,
        strideW=sw,
        filterHeight=kh,
        filterWidth=kw,
        fusedActivationFunction=draw(activations),
    )
    return b.bytes()


def shapes(draw: Draw, low: int = 1, high: int = 4) -> tuple[int, ...]:
    return tuple(draw(st.lists(sizes(1, 5), min_size=low, max_size=high)))


@st.composite
def binary(draw: Draw, name: str, options: str, quantisation: str = "any") -> bytes:
    """Two operands, one of them perhaps repeated or constant."""
    b = Build()
    full = shapes(draw)
    kind = draw(st.sampled_from(["same", "same", "scalar", "last", "any"]))
    other = full
    if kind == "scalar":
        other = ()
    elif kind == "last":
        other = full[-1:]
    elif kind == "any":
        other = tuple(n if draw(st.booleans()) else 1 for n in full)
    first = s8(full, draw)
    if name in ("MUL", "PRELU"):
        first.scale = extreme_scale(draw)
    second = s8(other, draw)
    result = s8(full, draw)
    if quantisation == "same":
        second.scale = result.scale = first.scale
        second.zero = result.zero = first.zero
    elif name in ("ADD", "SUB", "MUL", "PRELU") and draw(st.integers(0, 3)) == 0:
        result.scale = float(np.float32(10.0 ** draw(st.floats(-14, -3))))
    swap = draw(st.booleans())
    constant = draw(st.booleans())
    if constant:
        second.data = np.random.default_rng(draw(seeds)).integers(-128, 128, other)
    x = b.input(first)
    y = b.tensor(second) if constant else b.input(second)
    more = {"fusedActivationFunction": draw(activations)} if quantisation == "any" else {}
    b.outputs = b.op(name, [y, x] if swap else [x, y], [result], options, 2, **more)
    return b.bytes()


@st.composite
def reduce(draw: Draw, name: str, quantisation: str = "any") -> bytes:
    b = Build()
    shape = shapes(draw, 1, 4)
    rank = len(shape)
    axes = draw(st.lists(sizes(0, rank - 1), min_size=1, max_size=rank, unique=True))
    stored = [a - rank if draw(st.booleans()) else a for a in axes]
    keep = draw(st.booleans())
    left = [1 if d in axes else n for d, n in enumerate(shape) if keep or d not in axes]
    data, result = s8(shape, draw), s8(tuple(left), draw)
    if quantisation == "any":
        data.scale = extreme_scale(draw)
    if quantisation == "same":
        result.scale, result.zero = data.scale, data.zero
    x = b.input(data)
    a = b.tensor(T((len(axes),), "int32", data=stored))
    b.outputs = b.op(name, [x, a], [result], "ReducerOptions", 2, keepDims=keep)
    return b.bytes()


@st.composite
def unary(draw: Draw, name: str, fixed: Any = None, options: str = "", **more: Any) -> bytes:
    """All 256 inputs, once each, so that a table is proven whole."""
    b = Build()
    data = T((256,), "int8", extreme_scale(draw), draw(zeros))
    result = s8((256,), draw)
    # Of these both references wrap where an output leaves 32 bits of steps.
    if not fixed and name not in ("ELU", "EXP", "GELU", "LOG") and draw(st.integers(0, 3)) == 0:
        result.scale = float(np.float32(10.0 ** draw(st.floats(-14, 3))))
    if fixed == "same":
        result.scale, result.zero = data.scale, data.zero
    elif fixed:
        result.scale, result.zero = fixed
    x = b.input(data)
    fields = {k: draw(v) for k, v in more.items()}
    b.outputs = b.op(name, [x], [result], options, 1, **fields)
    return b.bytes()


@st.composite
def softmax(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw, 1, 3)
    depth = draw(sizes(1, 40))
    x = b.input(T((*shape, depth), "int8", draw(scales), draw(zeros)))
    result = T((*shape, depth), "int8", 1 / 256, -128)
    beta = draw(st.sampled_from([1.0, 0.5, 3.0]))
    b.outputs = b.op("SOFTMAX", [x], [result], "SoftmaxOptions", 2, beta=beta)
    return b.bytes()


@st.composite
def quantize(draw: Draw) -> bytes:
    b = Build()
    kinds = [("float32", "int8"), ("int8", "int8"), ("int8", "uint8"), ("uint8", "int8")]
    source, target = draw(st.sampled_from(kinds))
    ranges = {"int8": zeros, "uint8": sizes(0, 255), "float32": zeros}
    data = T((256,), source)
    if source != "float32":
        data.scale, data.zero = extreme_scale(draw), draw(ranges[source])
    x = b.input(data)
    result = T((256,), target, draw(scales), draw(ranges[target]))
    b.outputs = b.op("QUANTIZE", [x], [result])
    return b.bytes()


@st.composite
def dequantize(draw: Draw) -> bytes:
    b = Build()
    x = b.input(s8((256,), draw))
    b.outputs = b.op("DEQUANTIZE", [x], [T((256,), "float32")])
    return b.bytes()


def moved(data: T, shape: tuple[int, ...]) -> T:
    return T(shape, data.dtype, data.scale, data.zero)


@st.composite
def view(draw: Draw, name: str) -> bytes:
    """A view between two layers that do something."""
    b = Build()
    h, w, c = draw(sizes(1, 4)), draw(sizes(1, 4)), draw(sizes(1, 4))
    data = s8((1, h, w, c), draw)
    x = b.input(data)
    if draw(st.booleans()):
        x = b.op("RELU", [x], [moved(data, (1, h, w, c))])[0]
    if name == "RESHAPE":
        shape = (1, h * w * c)
        new = b.tensor(T((2,), "int32", data=shape))
        y = b.op(name, [x, new], [moved(data, shape)], "ReshapeOptions", newShape=list(shape))
    elif name == "SQUEEZE":
        y = b.op(name, [x], [moved(data, (h, w, c))], "SqueezeOptions", squeezeDims=[0])
    else:
        axis = b.tensor(T((), "int32", data=[2]))
        y = b.op(name, [x, axis], [moved(data, (1, h, 1, w, c))], "ExpandDimsOptions")
    if draw(st.booleans()):
        y = b.op("RELU", y, [moved(data, b.tensors[y[0]].shape)])
    b.outputs = y
    return b.bytes()


@st.composite
def concatenation(draw: Draw) -> bytes:
    b = Build()
    shape = list(shapes(draw))
    axis = draw(sizes(0, len(shape) - 1))
    data = s8((), draw)
    inputs, total = [], 0
    for _ in range(draw(sizes(1, 4))):
        part = draw(sizes(1, 4))
        total += part
        t = moved(data, tuple(part if d == axis else n for d, n in enumerate(shape)))
        if draw(st.integers(0, 4)) == 0 and inputs:
            t.data = np.random.default_rng(draw(seeds)).integers(-128, 128, t.shape)
            inputs.append(b.tensor(t))
        else:
            inputs.append(b.input(t))
    result = moved(data, tuple(total if d == axis else n for d, n in enumerate(shape)))
    stored = axis - len(shape) if draw(st.booleans()) else axis
    b.outputs = b.op("CONCATENATION", inputs, [result], "ConcatenationOptions", axis=stored)
    return b.bytes()


@st.composite
def split(draw: Draw, name: str) -> bytes:
    b = Build()
    shape = list(shapes(draw))
    axis, count = draw(sizes(0, len(shape) - 1)), draw(sizes(1, 4))
    equal = draw(sizes(1, 3))
    parts = [equal if name == "SPLIT" else draw(sizes(1, 3)) for _ in range(count)]
    shape[axis] = sum(parts)
    data = s8(tuple(shape), draw)
    x = b.input(data)
    a = b.tensor(T((1,), "int32", data=[axis]))
    results = [
        moved(data, tuple(p if d == axis else n for d, n in enumerate(shape))) for p in parts
    ]
    if name == "SPLIT":
        b.outputs = b.op(name, [a, x], results, "SplitOptions", 2, numSplits=count)
    else:
        s = b.tensor(T((count,), "int32", data=parts))
        b.outputs = b.op(name, [x, s, a], results, "SplitVOptions", 1, numSplits=count)
    return b.bytes()


@st.composite
def strided_slice(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw, 1, 4)
    begin, end, step, left = [], [], [], []
    begin_mask = end_mask = shrink = 0
    for d, n in enumerate(shape):
        s = draw(st.sampled_from([1, 1, 2, -1]))
        if draw(st.integers(0, 5)) == 0:
            at = draw(sizes(0, n - 1))
            begin.append(at)
            end.append(at + 1)
            step.append(1)
            shrink |= 1 << d
            continue
        low, high = sorted((draw(sizes(0, n - 1)), draw(sizes(0, n - 1))))
        first, last = (low, high + 1) if s > 0 else (high, low - 1)
        indices = range(first, last, s)
        if s < 0 and low == 0:
            end_mask |= 1 << d
        begin.append(first - n if draw(st.booleans()) else first)
        end.append(last)
        step.append(s)
        left.append(len(indices))
    data = s8(shape, draw)
    x = b.input(data)
    bounds = [b.tensor(T((len(shape),), "int32", data=v)) for v in (begin, end, step)]
    b.outputs = b.op(
        "STRIDED_SLICE",
        [x, *bounds],
        [moved(data, tuple(left))],
        "StridedSliceOptions",
        beginMask=begin_mask,
        endMask=end_mask,
        shrinkAxisMask=shrink,
    )
    return b.bytes()


@st.composite
def transpose(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw, 1, 5)
    order = draw(st.permutations(range(len(shape))))
    data = s8(shape, draw)
    x = b.input(data)
    p = b.tensor(T((len(shape),), "int32", data=order))
    result = moved(data, tuple(shape[a] for a in order))
    b.outputs = b.op("TRANSPOSE", [x, p], [result], "TransposeOptions", 2)
    return b.bytes()


@st.composite
def pad(draw: Draw, name: str) -> bytes:
    b = Build()
    shape = shapes(draw, 1, 4)
    pairs = [(draw(sizes(0, 3)), draw(sizes(0, 3))) for _ in shape]
    data = s8(shape, draw)
    inputs = [b.input(data), b.tensor(T((len(shape), 2), "int32", data=pairs))]
    if name == "PADV2":
        value = moved(data, ())
        value.data = [draw(zeros)]
        inputs.append(b.tensor(value))
    result = moved(data, tuple(n + sum(p) for n, p in zip(shape, pairs, strict=True)))
    b.outputs = b.op(
        name, inputs, [result], name.replace("PADV2", "PadV2").replace("PAD", "Pad") + "Options"
    )
    return b.bytes()


@st.composite
def hard_swish(draw: Draw) -> bytes:
    b = Build()
    data = s8((256,), draw)
    # TFLM wants an output scale not far below the input's.
    result = T((256,), "int8", data.scale * draw(st.floats(0.001, 4.0)), draw(zeros))
    b.outputs = b.op("HARD_SWISH", [b.input(data)], [result])
    return b.bytes()


@st.composite
def arg(draw: Draw, name: str) -> bytes:
    b = Build()
    shape = shapes(draw)
    axis = draw(sizes(0, len(shape) - 1))
    x = b.input(s8(shape, draw))
    a = b.tensor(T((), "int32", data=[axis - len(shape) if draw(st.booleans()) else axis]))
    result = T(shape[:axis] + shape[axis + 1 :], "int32")
    b.outputs = b.op(name, [x, a], [result], f"Arg{name[4:].title()}Options")
    return b.bytes()


@st.composite
def batch(draw: Draw, name: str) -> bytes:
    b = Build()
    dims = draw(st.sampled_from([1, 2]))
    block = [draw(sizes(1, 3)) for _ in range(dims)]
    outer = [draw(sizes(1, 3)) for _ in range(dims)]
    n, c = draw(sizes(1, 2)), draw(sizes(1, 4))
    edges, inner = [], []
    for k, m in zip(block, outer, strict=True):
        # TFLM pads with uninitialised memory: nothing to compare with.
        most = 0 if name == "SPACE_TO_BATCH_ND" else k - 1
        before = draw(sizes(0, most))
        after = draw(sizes(0, max(0, min(most, k * m - before - 1))))
        edges.append((before, after))
        inner.append(k * m - before - after)
    whole = (n, *inner, c)
    spread = (n * int(np.prod(block)), *outer, c)
    to_batch = name == "SPACE_TO_BATCH_ND"
    data = s8(whole if to_batch else spread, draw)
    inputs = [
        b.input(data),
        b.tensor(T((dims,), "int32", data=block)),
        b.tensor(T((dims, 2), "int32", data=edges)),
    ]
    options = "SpaceToBatchNDOptions" if to_batch else "BatchToSpaceNDOptions"
    b.outputs = b.op(name, inputs, [moved(data, spread if to_batch else whole)], options)
    return b.bytes()


@st.composite
def depth_space(draw: Draw, name: str) -> bytes:
    b = Build()
    k = draw(sizes(1, 3))
    n, h, w, c = (draw(sizes(1, 3)) for _ in range(4))
    fine, coarse = (n, h * k, w * k, c), (n, h, w, c * k * k)
    to_depth = name == "SPACE_TO_DEPTH"
    data = s8(fine if to_depth else coarse, draw)
    result = moved(data, coarse if to_depth else fine)
    options = "SpaceToDepthOptions" if to_depth else "DepthToSpaceOptions"
    b.outputs = b.op(name, [b.input(data)], [result], options, blockSize=k)
    return b.bytes()


@st.composite
def stack(draw: Draw, name: str) -> bytes:
    b = Build()
    part, count = shapes(draw, 1, 3), draw(sizes(1, 4))
    axis = draw(sizes(0, len(part)))
    whole = (*part[:axis], count, *part[axis:])
    data = s8(part, draw)
    stored = axis - len(whole) if draw(st.booleans()) else axis
    if name == "PACK":
        inputs = [b.input(moved(data, part)) for _ in range(count)]
        b.outputs = b.op(
            name, inputs, [moved(data, whole)], "PackOptions", valuesCount=count, axis=stored
        )
    else:
        x = b.input(moved(data, whole))
        results = [moved(data, part) for _ in range(count)]
        b.outputs = b.op(name, [x], results, "UnpackOptions", num=count, axis=stored)
    return b.bytes()


@st.composite
def slice_op(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw, 1, 5)
    begin = [draw(sizes(0, n - 1)) for n in shape]
    left = [draw(sizes(1, n - a)) for n, a in zip(shape, begin, strict=True)]
    stored = [
        -1 if a + m == n and draw(st.booleans()) else m
        for n, a, m in zip(shape, begin, left, strict=True)
    ]
    data = s8(shape, draw)
    inputs = [
        b.input(data),
        b.tensor(T((len(shape),), "int32", data=begin)),
        b.tensor(T((len(shape),), "int32", data=stored)),
    ]
    b.outputs = b.op("SLICE", inputs, [moved(data, tuple(left))], "SliceOptions")
    return b.bytes()


@st.composite
def broadcast_to(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw)
    small = tuple(n if draw(st.booleans()) else 1 for n in shape)
    data = s8(small, draw)
    x = b.input(data)
    s = b.tensor(T((len(shape),), "int32", data=shape))
    b.outputs = b.op("BROADCAST_TO", [x, s], [moved(data, shape)], "BroadcastToOptions")
    return b.bytes()


@st.composite
def gather(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw)
    axis = draw(sizes(0, len(shape) - 1))
    batches = draw(sizes(0, min(axis, 1)))
    wanted = (*shape[:batches], *shapes(draw, 1, 2))
    values = np.random.default_rng(draw(seeds)).integers(0, shape[axis], wanted)
    data = s8(shape, draw)
    x = b.input(data)
    i = b.tensor(T(wanted, "int32", data=values))
    result = moved(data, shape[:axis] + wanted[batches:] + shape[axis + 1 :])
    b.outputs = b.op("GATHER", [x, i], [result], "GatherOptions", axis=axis, batchDims=batches)
    return b.bytes()


@st.composite
def resize(draw: Draw, name: str, options: str) -> bytes:
    b = Build()
    h, w, c = draw(sizes(1, 6)), draw(sizes(1, 6)), draw(sizes(1, 4))
    size = [draw(sizes(1, 12)), draw(sizes(1, 12))]
    data = s8((1, h, w, c), draw)
    mode = draw(sizes(0, 2))
    inputs = [b.input(data), b.tensor(T((2,), "int32", data=size))]
    result = moved(data, (1, *size, c))
    b.outputs = b.op(
        name, inputs, [result], options, 3, alignCorners=mode == 1, halfPixelCenters=mode == 2
    )
    return b.bytes()


@st.composite
def transpose_conv(draw: Draw) -> bytes:
    b = Build()
    kh, kw, sh, sw = (draw(sizes(1, 3)) for _ in range(4))
    padding = draw(st.sampled_from([0, 1]))
    h, w, c, oc = draw(sizes(1, 4)), draw(sizes(1, 4)), draw(sizes(1, 5)), draw(sizes(1, 5))
    if padding == 0:
        size = (h * sh - draw(sizes(0, sh - 1)), w * sw - draw(sizes(0, sw - 1)))
    else:
        size = ((h - 1) * sh + kh, (w - 1) * sw + kw)
    shape = (1, *size, oc)
    inputs = [
        b.tensor(T((4,), "int32", data=shape)),
        b.tensor(weights((oc, kh, kw, c), oc, 0, draw)),
        b.input(s8((1, h, w, c), draw)),
    ]
    extra = bias(oc, draw)
    if extra:
        inputs.append(b.tensor(extra))
    b.outputs = b.op(
        "TRANSPOSE_CONV",
        inputs,
        [s8(shape, draw)],
        "TransposeConvOptions",
        3,
        padding=padding,
        strideH=sh,
        strideW=sw,
        fusedActivationFunction=draw(activations),
    )
    return b.bytes()


@st.composite
def batch_matmul(draw: Draw) -> bytes:
    b = Build()
    m, k, n = draw(sizes(1, 5)), draw(sizes(1, 9)), draw(sizes(1, 5))
    ax, ay = draw(st.booleans()), draw(st.booleans())
    batches = tuple(draw(st.lists(sizes(1, 3), max_size=3)))
    other = tuple(d if draw(st.booleans()) else 1 for d in batches)
    first = s8((*batches, *((k, m) if ax else (m, k))), draw)
    first.scale = extreme_scale(draw)
    second = s8((*other, *((n, k) if ay else (k, n))), draw)
    x, y = b.input(first), b.input(second)
    result = s8((*batches, m, n), draw)
    b.outputs = b.op("BATCH_MATMUL", [x, y], [result], "BatchMatMulOptions", 2, adjX=ax, adjY=ay)
    return b.bytes()


@st.composite
def lstm(draw: Draw) -> bytes:
    b = Build()
    n, units, steps = draw(sizes(1, 6)), draw(sizes(1, 5)), draw(sizes(1, 5))
    batches, major = draw(sizes(1, 2)), draw(st.booleans())
    rows = (steps, batches) if major else (batches, steps)
    random = np.random.default_rng(draw(seeds))
    hidden = draw(st.floats(0.002, 0.01))
    zero = draw(zeros)
    inputs = [b.input(s8((*rows, n), draw))]
    for size in (n, n, n, n, units, units, units, units):
        data = random.integers(-127, 128, (units, size))
        inputs.append(
            b.tensor(T((units, size), "int8", draw(st.floats(0.001, 0.03)), 0, data=data))
        )
    inputs += [-1, -1, -1]
    for _ in range(4):
        data = random.integers(-3000, 3000, units)
        inputs.append(b.tensor(T((units,), "int32", 0.001, 0, data=data)))
    inputs += [-1, -1]
    inputs.append(b.tensor(T((batches, units), "int8", hidden, zero, variable=True)))
    power = draw(st.sampled_from([-15, -12, -11, -10, -13]))
    inputs.append(b.tensor(T((batches, units), "int16", 2.0**power, 0, variable=True)))
    inputs += [-1, -1, -1, -1]
    b.outputs = b.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        inputs,
        [T((*rows, units), "int8", hidden, zero)],
        "UnidirectionalSequenceLSTMOptions",
        1,
        fusedActivationFunction=4,
        cellClip=draw(st.sampled_from([0.0, 0.0, 0.5, 10.0])),
        timeMajor=major,
    )
    return b.bytes()


@st.composite
def svdf(draw: Draw) -> bytes:
    b = Build()
    n, units, rank, memory = (draw(sizes(1, 5)) for _ in range(4))
    batches = draw(sizes(1, 2))
    filters = units * rank
    random = np.random.default_rng(draw(seeds))
    state, time = float(np.float32(draw(scales))), float(np.float32(2.0**-12))
    kind, most = draw(st.sampled_from([("int16", 9000), ("int16", 32767), ("int8", 127)]))
    state_zero = draw(zeros) if kind == "int8" else 0
    inputs = [
        b.input(s8((batches, n), draw)),
        b.tensor(
            T((filters, n), "int8", draw(scales), 0, data=random.integers(-127, 128, (filters, n)))
        ),
        b.tensor(
            T(
                (filters, memory),
                kind,
                time,
                0,
                data=random.integers(-most, most + 1, (filters, memory)),
            )
        ),
        b.tensor(T((units,), "int32", state * time, 0, data=random.integers(-9000, 9000, units))),
        b.tensor(T((batches, filters * memory), kind, state, state_zero, variable=True)),
    ]
    b.outputs = b.op(
        "SVDF",
        inputs,
        [s8((batches, units), draw)],
        "SVDFOptions",
        3,
        rank=rank,
        fusedActivationFunction=1,
    )
    return b.bytes()


@st.composite
def variables(draw: Draw) -> bytes:
    """A running sum: sum = sum + x, with a first value or without."""
    b = Build()
    shape = shapes(draw, 1, 2)
    data, total = s8(shape, draw), s8(shape, draw)
    named = {"container": "", "sharedName": "total"}
    x = b.input(data)
    first = draw(st.booleans())
    if first:
        b.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=1)
    (handle,) = b.op("VAR_HANDLE", [], [T((), "resource")], "VarHandleOptions", **named)
    (old,) = b.op("READ_VARIABLE", [handle], [moved(total, shape)], "ReadVariableOptions")
    b.outputs = b.op("ADD", [x, old], [moved(total, shape)], "AddOptions", 2)
    b.op("ASSIGN_VARIABLE", [handle, b.outputs[0]], [], "AssignVariableOptions")
    if first:
        b.once = Build()
        values = np.random.default_rng(draw(seeds)).integers(-128, 128, shape)
        start = moved(total, shape)
        start.data = values
        (h,) = b.once.op("VAR_HANDLE", [], [T((), "resource")], "VarHandleOptions", **named)
        b.once.op("ASSIGN_VARIABLE", [h, b.once.tensor(start)], [], "AssignVariableOptions")
    return b.bytes()


# int16 data with int8 weights (16x8)


def sum_16(shape: tuple[int, ...], x: T, w: T, draw: Draw) -> T:
    """An output scale that keeps left shifts within the 7 bits of 64-bit sums."""
    result = s16(shape, draw)
    result.scale = float(np.float32(max(result.scale, 0.02 * x.scale * np.max(w.scale))))
    return result


def s16(shape: tuple[int, ...], draw: Draw, **more: Any) -> T:
    return T(shape, "int16", float(np.float32(draw(st.floats(1e-5, 2e-3)))), 0, **more)


@st.composite
def conv_16(draw: Draw, name: str) -> bytes:
    b = Build()
    kh, kw, s, m = draw(sizes(1, 3)), draw(sizes(1, 3)), draw(sizes(1, 2)), draw(sizes(1, 2))
    padding = draw(st.sampled_from([0, 1]))
    h, w, c = kh + draw(sizes(0, 4)), kw + draw(sizes(0, 4)), draw(sizes(1, 9))
    depthwise = name != "CONV_2D"
    oc = c * m if depthwise else draw(sizes(1, 6))
    shape = (1, kh, kw, oc) if depthwise else (oc, kh, kw, c)
    x = b.input(s16((1, h, w, c), draw))
    inputs = [x, b.tensor(weights(shape, oc, 3 if depthwise else 0, draw))]
    extra = bias(oc, draw)
    if extra:
        extra.dtype = draw(st.sampled_from(["int32", "int64"]))
        inputs.append(b.tensor(extra))
    fields = {"depthMultiplier": m} if depthwise else {}
    b.outputs = b.op(
        name,
        inputs,
        [
            sum_16(
                (1, out(padding, h, kh, s), out(padding, w, kw, s), oc),
                b.tensors[x],
                b.tensors[inputs[1]],
                draw,
            )
        ],
        "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions",
        5,
        padding=padding,
        strideH=s,
        strideW=s,
        fusedActivationFunction=draw(activations),
        **fields,
    )
    return b.bytes()


@st.composite
def fully_connected_16(draw: Draw) -> bytes:
    b = Build()
    rows, n, m = draw(sizes(1, 3)), draw(sizes(1, 40)), draw(sizes(1, 9))
    x = b.input(s16((rows, n), draw))
    w = weights((m, n), m, 0, draw)
    inputs = [x, b.tensor(w)]
    extra = bias(m, draw)
    if extra:
        extra.dtype = draw(st.sampled_from(["int32", "int64"]))
        extra.scale = float(np.float32(b.tensors[x].scale) * np.ravel(w.scale)[0])
        inputs.append(b.tensor(extra))
    b.outputs = b.op(
        "FULLY_CONNECTED",
        inputs,
        [sum_16((rows, m), b.tensors[x], w, draw)],
        "FullyConnectedOptions",
        7,
        fusedActivationFunction=draw(activations),
    )
    return b.bytes()


@st.composite
def pool_16(draw: Draw, name: str) -> bytes:
    b = Build()
    k, s, padding = draw(sizes(1, 3)), draw(sizes(1, 2)), draw(st.sampled_from([0, 1]))
    h, w, c = k + draw(sizes(0, 4)), k + draw(sizes(0, 4)), draw(sizes(1, 5))
    t = s16((1, h, w, c), draw)
    x = b.input(t)
    b.outputs = b.op(
        name,
        [x],
        [T((1, out(padding, h, k, s), out(padding, w, k, s), c), "int16", t.scale, 0)],
        "Pool2DOptions",
        3,
        padding=padding,
        strideH=s,
        strideW=s,
        filterHeight=k,
        filterWidth=k,
        fusedActivationFunction=draw(activations),
    )
    return b.bytes()


@st.composite
def binary_16(draw: Draw, name: str, options: str) -> bytes:
    b = Build()
    shape = shapes(draw)
    other = draw(st.sampled_from([shape, shape[-1:], ()]))
    x, y = b.input(s16(shape, draw)), b.input(s16(other, draw))
    extra = {"potScaleInt16": False} if name in ("ADD", "SUB") else {}
    b.outputs = b.op(
        name,
        [x, y],
        [s16(shape, draw)],
        options,
        4,
        fusedActivationFunction=draw(activations),
        **extra,
    )
    return b.bytes()


@st.composite
def reduce_16(draw: Draw, name: str) -> bytes:
    b = Build()
    shape = shapes(draw, 2, 4)
    x = b.input(s16(shape, draw))
    a = b.tensor(T((1,), "int32", data=[1]))
    b.outputs = b.op(
        name, [x, a], [s16((shape[0], *shape[2:]), draw)], "ReducerOptions", 2, keepDims=False
    )
    return b.bytes()


@st.composite
def unary_16(draw: Draw, name: str, scale: float = 0.0, options: str = "", **more: Any) -> bytes:
    b = Build()
    data = s16((999,), draw)
    if scale and draw(st.booleans()):
        data.scale = float(np.float32(draw(st.sampled_from([2.0**-12, 2.0**-11, 2.0**-13]))))
    result = T((999,), "int16", scale, 0) if scale else s16((999,), draw)
    fields = {k: draw(v) for k, v in more.items()}
    b.outputs = b.op(name, [b.input(data)], [result], options, 3, **fields)
    return b.bytes()


@st.composite
def softmax_widened(draw: Draw) -> bytes:
    b = Build()
    shape = (draw(sizes(1, 3)), draw(sizes(1, 30)))
    x = b.input(s8(shape, draw))
    result = T(shape, "int16", 1 / 65536, -32768)
    b.outputs = b.op("SOFTMAX", [x], [result], "SoftmaxOptions", 3, beta=1.0)
    return b.bytes()


@st.composite
def resized(draw: Draw) -> bytes:
    """QUANTIZE between integers of different sizes."""
    b = Build()
    kinds = ("int8", "int16", "int32")
    source, target = draw(st.sampled_from([(a, c) for a in kinds for c in kinds if a != c]))
    spread = {"int8": 1.0, "int16": 2.0**-8, "int32": 2.0**-20}
    ends = [(draw(zeros), draw(scales) * spread[kind]) for kind in (source, target)]
    (zero, scale), (result_zero, result_scale) = ends
    x = b.input(T((257,), source, scale, zero))
    b.outputs = b.op("QUANTIZE", [x], [T((257,), target, result_scale, result_zero)], "", 3)
    return b.bytes()


@st.composite
def softmax_16(draw: Draw) -> bytes:
    b = Build()
    shape = (draw(sizes(1, 3)), draw(sizes(1, 30)))
    x = b.input(s16(shape, draw))
    result = T(shape, "int16", 1 / 32768, 0)
    b.outputs = b.op("SOFTMAX", [x], [result], "SoftmaxOptions", 3, beta=1.0)
    return b.bytes()


@st.composite
def transpose_conv_16(draw: Draw) -> bytes:
    b = Build()
    k, s, padding = draw(sizes(1, 3)), draw(sizes(1, 3)), draw(st.sampled_from([0, 1]))
    oh, ow = k + draw(sizes(0, 5)), k + draw(sizes(0, 5))
    ic, oc = draw(sizes(1, 5)), draw(sizes(1, 4))
    x = s16((1, out(padding, oh, k, s), out(padding, ow, k, s), ic), draw)
    w = weights((oc, k, k, ic), oc, 0, draw)
    shape = b.tensor(T((4,), "int32", data=[1, oh, ow, oc]))
    inputs = [shape, b.tensor(w), b.input(x)]
    extra = bias(oc, draw)
    if extra:
        extra.dtype = draw(st.sampled_from(["int32", "int64"]))
        extra.scale = float(np.float32(x.scale) * np.ravel(w.scale)[0])
        inputs.append(b.tensor(extra))
    b.outputs = b.op(
        "TRANSPOSE_CONV",
        inputs,
        [sum_16((1, oh, ow, oc), x, w, draw)],
        "TransposeConvOptions",
        3,
        padding=padding,
        strideH=s,
        strideW=s,
    )
    return b.bytes()


@st.composite
def batch_matmul_16(draw: Draw) -> bytes:
    b = Build()
    rows, depth, columns, n = (draw(sizes(1, 7)) for _ in range(4))
    left, right = draw(st.booleans()), draw(st.booleans())
    x = b.input(s16((n, depth, rows) if left else (n, rows, depth), draw))
    y = b.input(s16((n, columns, depth) if right else (n, depth, columns), draw))
    scale = b.tensors[x].scale * b.tensors[y].scale * 2.0 ** draw(sizes(-4, 24))
    result = T((n, rows, columns), "int16", float(np.float32(scale)), 0)
    b.outputs = b.op(
        "BATCH_MATMUL", [x, y], [result], "BatchMatMulOptions", 2, adjX=left, adjY=right
    )
    return b.bytes()


@st.composite
def prelu_16(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw)
    slopes = s8(draw(st.sampled_from([shape, shape[-1:]])), draw)
    slopes.data = np.random.default_rng(draw(seeds)).integers(-128, 128, slopes.shape)
    b.outputs = b.op("PRELU", [b.input(s16(shape, draw)), b.tensor(slopes)], [s16(shape, draw)])
    return b.bytes()


@st.composite
def ends_16(draw: Draw) -> bytes:
    b = Build()
    x = b.input(T((999,), "float32"))
    middle = s16((999,), draw)
    (y,) = b.op("QUANTIZE", [x], [middle], "", 2)
    b.outputs = b.op("DEQUANTIZE", [y], [T((999,), "float32")], "", 3)
    return b.bytes()


@st.composite
def compare(draw: Draw, name: str) -> bytes:
    """Of int8 with two scales, int32 or floats; all values meet themselves too."""
    b = Build()
    shape = shapes(draw)
    kind = draw(st.sampled_from(["int8", "int32", "float32"]))
    other = draw(st.sampled_from([shape, shape[-1:], ()]))
    a, c = (T(s, kind) for s in (shape, other))
    if kind == "int8":
        a, c = s8(shape, draw), s8(other, draw)
        if draw(st.booleans()):
            c.scale, c.zero = a.scale, a.zero
    options = "".join(part.capitalize() for part in name.split("_")) + "Options"
    b.outputs = b.op(name, [b.input(a), b.input(c)], [T(shape, "bool")], options, 2)
    return b.bytes()


def truth(b: Build, shape: tuple[int, ...]) -> int:
    """Whether an input of int32 is above zero."""
    zero = b.tensor(T((), "int32", data=0))
    x = b.input(T(shape, "int32"))
    return b.op("GREATER", [x, zero], [T(shape, "bool")], "GreaterOptions")[0]


@st.composite
def logical(draw: Draw, name: str) -> bytes:
    b = Build()
    shape = shapes(draw)
    inputs = [truth(b, shape)]
    if name != "LOGICAL_NOT":
        inputs.append(truth(b, draw(st.sampled_from([shape, shape[-1:]]))))
    options = "".join(part.capitalize() for part in name.split("_")) + "Options"
    b.outputs = b.op(name, inputs, [T(shape, "bool")], options)
    return b.bytes()


@st.composite
def select_v2(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw, 1, 4)

    def some() -> tuple[int, ...]:
        return tuple(n if draw(st.booleans()) else 1 for n in shape)

    data = draw(st.sampled_from([s8(shape, draw), s16(shape, draw), T(shape, "float32")]))
    c = truth(b, draw(st.sampled_from([shape, some(), shape[-1:]])))
    full = draw(st.integers(0, 1))
    x = b.input(moved(data, shape if full else some()))
    y = b.input(moved(data, some() if full else shape))
    b.outputs = b.op("SELECT_V2", [c, x, y], [moved(data, shape)], "SelectV2Options")
    return b.bytes()


@st.composite
def cast(draw: Draw) -> bytes:
    b = Build()
    kinds = st.sampled_from(["int8", "int16", "int32", "float32"])
    shape = shapes(draw)
    source, target = draw(kinds), draw(kinds)
    x = [truth(b, shape)] if draw(st.integers(0, 4)) == 0 else [b.input(T(shape, source))]
    b.outputs = b.op("CAST", x, [T(shape, target)], "CastOptions")
    return b.bytes()


@st.composite
def mirror_pad(draw: Draw) -> bytes:
    b = Build()
    mode = draw(st.sampled_from([0, 1]))
    shape = tuple(draw(st.lists(sizes(2, 5), min_size=1, max_size=4)))
    most = [n - 1 + mode for n in shape]
    pairs = [
        [draw(sizes(0, m)), draw(sizes(0, m))] if i < 3 else [0, 0] for i, m in enumerate(most)
    ]
    data = s8(shape, draw)
    inputs = [b.input(data), b.tensor(T((len(shape), 2), "int32", data=pairs))]
    wide = tuple(n + sum(p) for n, p in zip(shape, pairs, strict=True))
    b.outputs = b.op("MIRROR_PAD", inputs, [moved(data, wide)], "MirrorPadOptions", mode=mode)
    return b.bytes()


@st.composite
def reverse(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw)
    first = draw(sizes(0, len(shape) - 1))
    axes = list(range(first, draw(sizes(first, len(shape) - 1)) + 1))
    data = draw(st.sampled_from([s8(shape, draw), T(shape, "float32")]))
    axis = b.tensor(T((len(axes),), "int32", data=axes))
    b.outputs = b.op("REVERSE_V2", [b.input(data), axis], [moved(data, shape)], "ReverseV2Options")
    return b.bytes()


@st.composite
def rsqrt(draw: Draw) -> bytes:
    """Of all values from the zero point up: below it TFLM fails."""
    b = Build()
    data = T((128,), "int8", draw(scales), -128)
    x = b.input(T((128,), "int8", data.scale, -128))
    (y,) = b.op("RELU", [x], [data], "", 1)
    result = s8((128,), draw)
    if draw(st.integers(0, 3)) == 0:
        result.scale = float(np.float32(10.0 ** draw(st.floats(-9, 9))))
    b.outputs = b.op("RSQRT", [y], [result], "", 1)
    return b.bytes()


@st.composite
def squared_difference_16(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw)
    x, y = b.input(s16(shape, draw)), b.input(s16(shape[-1:], draw))
    result = T(shape, "int16", 50 * max(b.tensors[x].scale, b.tensors[y].scale) ** 2 * 1000, 0)
    b.outputs = b.op("SQUARED_DIFFERENCE", [x, y], [result], "SquaredDifferenceOptions", 2)
    return b.bytes()


@st.composite
def maximum_16(draw: Draw, name: str) -> bytes:
    b = Build()
    shape = shapes(draw)
    data = s16(shape, draw)
    x, y = b.input(data), b.input(moved(data, shape[-1:]))
    b.outputs = b.op(name, [x, y], [moved(data, shape)], "MaximumMinimumOptions", 2)
    return b.bytes()


@st.composite
def add_n(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw)
    count = draw(sizes(2, 5))
    inputs = [b.input(s8(shape, draw)) for _ in range(count)]
    b.outputs = b.op("ADD_N", inputs, [s8(shape, draw)], "AddNOptions")
    return b.bytes()


@st.composite
def cumsum(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw)
    axis = draw(sizes(0, len(shape) - 1))
    data, result = s8(shape, draw), s8(shape, draw)
    if draw(st.booleans()):
        result.scale = float(np.float32(10.0 ** draw(st.floats(-14, 2))))
    x = b.input(data)
    a = b.tensor(T((), "int32", data=axis - len(shape) if draw(st.booleans()) else axis))
    b.outputs = b.op(
        "CUMSUM", [x, a], [result], "CumsumOptions",
        exclusive=draw(st.booleans()), reverse=draw(st.booleans()),
    )  # fmt: skip
    return b.bytes()


@st.composite
def tile(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw)
    times = [draw(sizes(1, 3)) if i < 3 else 1 for i in range(len(shape))]
    data = draw(st.sampled_from([s8(shape, draw), s16(shape, draw), T(shape, "float32")]))
    m = b.tensor(T((len(shape),), "int32", data=times))
    wide = tuple(n * k for n, k in zip(shape, times, strict=True))
    b.outputs = b.op("TILE", [b.input(data), m], [moved(data, wide)], "TileOptions")
    return b.bytes()


@st.composite
def select(draw: Draw) -> bytes:
    b = Build()
    shape = shapes(draw, 1, 3)
    data = draw(st.sampled_from([s8(shape, draw), s16(shape, draw), T(shape, "float32")]))
    c = truth(b, shape)
    x, y = b.input(moved(data, shape)), b.input(moved(data, shape))
    b.outputs = b.op("SELECT", [c, x, y], [moved(data, shape)], "SelectOptions")
    return b.bytes()


@st.composite
def divide(draw: Draw) -> bytes:
    """The divisor may be zero: that saturates."""
    b = Build()
    shape = shapes(draw)
    second = s8(draw(st.sampled_from([shape, shape[-1:], ()])), draw)
    second.data = np.random.default_rng(draw(seeds)).integers(-128, 128, second.shape)
    result = s8(shape, draw)
    if draw(st.booleans()):
        result.scale = float(np.float32(10.0 ** draw(st.floats(-12, 3))))
    inputs = [b.input(s8(shape, draw)), b.tensor(second)]
    b.outputs = b.op(
        "DIV", inputs, [result], "DivOptions", 2, fusedActivationFunction=draw(activations)
    )
    return b.bytes()


@st.composite
def resize_16(draw: Draw, kind: str = "int16") -> bytes:
    b = Build()
    h, w, c = draw(sizes(1, 6)), draw(sizes(1, 6)), draw(sizes(1, 4))
    size = [draw(sizes(1, 12)), draw(sizes(1, 12))]
    data = s16((1, h, w, c), draw) if kind == "int16" else T((1, h, w, c), kind)
    mode = draw(sizes(0, 2))
    inputs = [b.input(data), b.tensor(T((2,), "int32", data=size))]
    b.outputs = b.op(
        "RESIZE_NEAREST_NEIGHBOR", inputs, [moved(data, (1, *size, c))],
        "ResizeNearestNeighborOptions", 3, alignCorners=mode == 1, halfPixelCenters=mode == 2,
    )  # fmt: skip
    return b.bytes()


WIDE: dict[str, Any] = {
    "RESIZE_NEAREST_NEIGHBOR": resize_16(),
    "ADD": binary_16("ADD", "AddOptions"),
    "ABS": unary_16("ABS", options="AbsOptions"),
    "AVERAGE_POOL_2D": pool_16("AVERAGE_POOL_2D"),
    "BATCH_MATMUL": batch_matmul_16(),
    "CONV_2D": conv_16("CONV_2D"),
    "DEPTHWISE_CONV_2D": conv_16("DEPTHWISE_CONV_2D"),
    "DEQUANTIZE": ends_16(),
    "FULLY_CONNECTED": fully_connected_16(),
    "LEAKY_RELU": unary_16("LEAKY_RELU", 0.0, "LeakyReluOptions", alpha=st.floats(-1.5, 1.5)),
    "LOGISTIC": unary_16("LOGISTIC", 2.0**-15),
    "MAX_POOL_2D": pool_16("MAX_POOL_2D"),
    "MAXIMUM": maximum_16("MAXIMUM"),
    "MEAN": reduce_16("MEAN"),
    "MINIMUM": maximum_16("MINIMUM"),
    "MUL": binary_16("MUL", "MulOptions"),
    "PRELU": prelu_16(),
    "QUANTIZE": st.one_of(ends_16(), unary_16("QUANTIZE"), resized()),
    "RELU": unary_16("RELU"),
    "RELU6": unary_16("RELU6"),
    "SOFTMAX": st.one_of(softmax_16(), softmax_widened()),
    "SQUARED_DIFFERENCE": squared_difference_16(),
    "SUB": binary_16("SUB", "SubOptions"),
    "SUM": reduce_16("SUM"),
    "TANH": unary_16("TANH", 2.0**-15),
    "TRANSPOSE_CONV": transpose_conv_16(),
}
"""The same for operators that take int16 data."""

MANY_TYPES = frozenset(
    [
        "CAST",
        "EQUAL",
        "GREATER",
        "GREATER_EQUAL",
        "LESS",
        "LESS_EQUAL",
        "NOT_EQUAL",
        "QUANTIZE",
        "DEQUANTIZE",
    ]
)
"""Operators whose strategy draws the types too."""

STRATEGIES: dict[str, Any] = {
    "ABS": st.one_of(unary("ABS"), unary("ABS", "same")),
    "ARG_MAX": arg("ARG_MAX"),
    "ARG_MIN": arg("ARG_MIN"),
    "BATCH_MATMUL": batch_matmul(),
    "BATCH_TO_SPACE_ND": batch("BATCH_TO_SPACE_ND"),
    "BROADCAST_TO": broadcast_to(),
    "DEPTH_TO_SPACE": depth_space("DEPTH_TO_SPACE"),
    "GATHER": gather(),
    "HARD_SWISH": hard_swish(),
    "MAXIMUM": binary("MAXIMUM", "MaximumMinimumOptions", "same"),
    "MINIMUM": binary("MINIMUM", "MaximumMinimumOptions", "same"),
    "PACK": stack("PACK"),
    "PRELU": binary("PRELU", "", "none"),
    "REDUCE_MAX": reduce("REDUCE_MAX", "same"),
    "REDUCE_MIN": reduce("REDUCE_MIN", "same"),
    "RESIZE_BILINEAR": resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
    "RESIZE_NEAREST_NEIGHBOR": resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
    "SLICE": slice_op(),
    "SPACE_TO_BATCH_ND": batch("SPACE_TO_BATCH_ND"),
    "SPACE_TO_DEPTH": depth_space("SPACE_TO_DEPTH"),
    "SUM": reduce("SUM"),
    "TRANSPOSE_CONV": transpose_conv(),
    "UNPACK": stack("UNPACK"),
    "ADD": binary("ADD", "AddOptions"),
    "AVERAGE_POOL_2D": pool("AVERAGE_POOL_2D"),
    "CONCATENATION": concatenation(),
    "CONV_2D": conv_2d(),
    "DEPTHWISE_CONV_2D": depthwise_conv_2d(),
    "DEQUANTIZE": dequantize(),
    "EXPAND_DIMS": view("EXPAND_DIMS"),
    "FULLY_CONNECTED": fully_connected(),
    "LEAKY_RELU": unary("LEAKY_RELU", None, "LeakyReluOptions", alpha=st.floats(-1.5, 1.5)),
    "LOGISTIC": unary("LOGISTIC", (1 / 256, -128)),
    "MAX_POOL_2D": pool("MAX_POOL_2D"),
    "MEAN": reduce("MEAN"),
    "MUL": binary("MUL", "MulOptions"),
    "PAD": pad("PAD"),
    "PADV2": pad("PADV2"),
    "QUANTIZE": quantize(),
    "RELU": unary("RELU"),
    "RELU6": st.one_of(unary("RELU6"), unary("RELU6", "same")),
    "RELU_0_TO_1": unary("RELU_0_TO_1"),
    "RELU_N1_TO_1": unary("RELU_N1_TO_1"),
    "RESHAPE": view("RESHAPE"),
    "SOFTMAX": softmax(),
    "SPLIT": split("SPLIT"),
    "SPLIT_V": split("SPLIT_V"),
    "SQUEEZE": view("SQUEEZE"),
    "STRIDED_SLICE": strided_slice(),
    "SUB": binary("SUB", "SubOptions"),
    "SVDF": svdf(),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm(),
    **dict.fromkeys(("ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE"), variables()),
    "TANH": unary("TANH", (1 / 128, 0)),
    "TRANSPOSE": transpose(),
    **{
        name: compare(name)
        for name in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
    },
    **{name: logical(name) for name in ("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT")},
    "CAST": cast(),
    "ELU": unary("ELU"),
    "EXP": unary("EXP"),
    "GELU": unary("GELU", None, "GeluOptions", approximate=st.booleans()),
    "LOG": unary("LOG"),
    "MIRROR_PAD": mirror_pad(),
    "REVERSE_V2": reverse(),
    "RSQRT": rsqrt(),
    "SELECT": select(),
    "SELECT_V2": select_v2(),
    "ADD_N": add_n(),
    "CUMSUM": cumsum(),
    "DIV": divide(),
    "TILE": tile(),
    "SQUARED_DIFFERENCE": binary("SQUARED_DIFFERENCE", "SquaredDifferenceOptions", "none"),
}
