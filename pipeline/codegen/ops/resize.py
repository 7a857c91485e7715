"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: positions are computed ahead of time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Code, Constant, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import round_away
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, image, tensor
from pipeline.convert.graph import Graph, Op

_SHARE_BITS = 10


def flags(op: Op) -> tuple[bool, bool]:
    """(align corners, half pixel centers)"""
    return (
        bool(op.options.get("align_corners", False)),
        bool(op.options.get("half_pixel_centers", False)),
    )


def check_sizes(graph: Graph, op: Op) -> Problem:
    """All but types and quantisation."""
    problem = common.arity(op, 2)
    if problem:
        return problem
    data, size, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    problem = common.constant(size, "sizes")
    if problem:
        return problem
    if len(data.shape) != 4 or len(result.shape) != 4:
        return f"data of shape {list(data.shape)}", common.BROKEN
    if (data.shape[0], data.shape[3]) != (result.shape[0], result.shape[3]):
        return f"shapes {list(data.shape)} and {list(result.shape)}", common.BROKEN
    if min(result.shape) < 1 or min(data.shape) < 1 or max(data.shape) > 32767:
        return f"shapes {list(data.shape)} and {list(result.shape)}", common.BROKEN
    assert size.data is not None
    if size.data.reshape(-1).tolist() != list(result.shape[1:3]):
        return f"size {size.data.tolist()} for {list(result.shape)}", common.BROKEN
    if all(flags(op)):
        return "align_corners with half_pixel_centers", "set one of the two"
    return None


def _check(graph: Graph, op: Op) -> Problem:
    problem = check_sizes(graph, op)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    types = ("int8", "int16", "float32") if op.name == "RESIZE_NEAREST_NEIGHBOR" else ("int8",)
    if data.dtype != result.dtype:
        return f"{data.dtype} to {result.dtype}", common.BROKEN
    return common.first(
        common.typed(data, result, dtypes=types), common.same_quantisation(data, result)
    )


def nearest(size: int, wanted: int, align: bool, half: bool) -> NDArray[np.int16]:
    """The input position for each output position, in float32 as TFLM."""
    scale = np.float32(size) / np.float32(wanted)
    if align and wanted > 1:
        scale = np.float32(size - 1) / np.float32(wanted - 1)
    result = []
    for i in range(wanted):
        at = float(np.float32(np.float32(i) + np.float32(0.5 if half else 0.0)) * scale)
        position = min(round_away(at) if align else math.floor(at), size - 1)
        result.append(max(position, 0))
    return np.array(result, np.int16)


def between(size: int, wanted: int, align: bool, half: bool) -> NDArray[np.int16]:
    """(low, high, share of high in 1/1024) for each output position; integers as TFLM."""
    one = 1 << _SHARE_BITS
    step = (one * size + wanted // 2) // wanted
    if align and wanted > 1:
        step = (one * (size - 1) + (wanted - 1) // 2) // (wanted - 1)
    rows = []
    for i in range(wanted):
        at = i * step + (step // 2 - one // 2 if half else 0)
        low = max(int(at / one), 0)
        high = min(int((at + one - 1) / one), size - 1)
        rows.append((low, high, at - one * low))
    return np.array(rows, np.int16)


def _lower(site: Site) -> Code:
    graph, op = site.graph, site.op
    data, result = tensor(graph, op, 0), common.output(graph, op)
    bilinear = op.name == "RESIZE_BILINEAR"
    positions = between if bilinear else nearest
    function = "resize_bilinear_s8" if bilinear else "resize_nearest_s8"
    size = np.dtype(data.dtype).itemsize
    if size > 1:
        function = "resize_nearest"
    ctype = "between_t" if bilinear else "int16_t"
    params = Initializer(
        "resize_bilinear_t" if bilinear else "resize_nearest_t",
        {
            "batches": data.shape[0],
            "input": image(data),
            "output": image(result),
            "rows": site.constant("rows"),
            "columns": site.constant("columns"),
        },
    )
    return Code(
        function=function,
        body=f"{params.declare()}\n{function}(&params, {site.input(0)}, {site.output()}"
        + (f", {size});" if size > 1 else ");"),
        constants=tuple(
            Constant(name, ctype, positions(data.shape[d], result.shape[d], *flags(op)))
            for name, d in (("rows", 1), ("columns", 2))
        ),
        files=("kernels.h", f"portable/{function}.c"),
    )


def _instructions(graph: Graph, op: Op) -> float:
    cost = 25.0 if op.name == "RESIZE_BILINEAR" else 3.0
    return cost * common.elements(common.output(graph, op))


SUPPORT = tuple(
    Support(
        name=name,
        dtypes=("int8",) if name == "RESIZE_BILINEAR" else ("int8", "int16", "float32"),
        kernels=[Portable(_lower, _instructions)],
        check=_check,
        notes="constant sizes",
        versions=(1, 4),
    )
    for name in ("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")
)
