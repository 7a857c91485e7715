"""Comparisons, logic on their results, SELECT_V2 and CAST."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.codegen.broadcast import broadcast_shape, broadcast_steps, broadcast_t, merge
from pipeline.codegen.dtypes import CTYPES
from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import quantize_multiplier, scale_of, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.arithmetic import MAX_RANK, check_pair, in_place
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.codegen.ops.lookup import lookup_code
from pipeline.convert.graph import Graph, Op

_TRUTHS = {
    "EQUAL": ("TRUTH_EQUAL",),
    "GREATER": ("TRUTH_GREATER",),
    "GREATER_EQUAL": ("TRUTH_GREATER", "TRUTH_EQUAL"),
    "LESS": ("TRUTH_LESS",),
    "LESS_EQUAL": ("TRUTH_LESS", "TRUTH_EQUAL"),
    "NOT_EQUAL": ("TRUTH_LESS", "TRUTH_GREATER"),
}
_SUFFIXES = {"int8": "s8", "int32": "s32", "float32": "f32"}


def _instructions(graph: Graph, op: Op) -> float:
    return 25.0 * common.elements(common.output(graph, op))


def _bool(graph: Graph, op: Op) -> Problem:
    result = common.output(graph, op)
    return None if result.dtype == "bool" else (f"{result.dtype} output", common.BROKEN)


def _check_compare(graph: Graph, op: Op) -> Problem:
    problem = check_pair(graph, op)
    if problem:
        return problem
    a, b = tensor(graph, op, 0), tensor(graph, op, 1)
    if a.dtype != b.dtype:
        return f"{a.dtype} with {b.dtype} data", common.BROKEN
    problem = common.typed(a, b, dtypes=tuple(_SUFFIXES)) if a.dtype == "int8" else None
    if a.dtype not in _SUFFIXES:
        return f"{a.dtype} data", common.TFLM
    if not problem and a.dtype == "int8" and max(a.scales[0], b.scales[0]) >= 1:
        # The reference takes scales for right shifts, and aborts.
        return "a scale of 1 or more", common.REQUANTISE
    return problem or _bool(graph, op)


def _lower_compare(site: Site) -> Code:
    a, b = tensor(site.graph, site.op, 0), tensor(site.graph, site.op, 1)
    fields: dict[str, Any] = {
        "shape": broadcast_t(a.shape, b.shape),
        "truth": " | ".join(_TRUTHS[site.op.name]),
    }
    ctype = "compare_t"
    if a.dtype == "int8":
        ctype = "compare_s8_t"
        for name, t in (("a", a), ("b", b)):
            multiplier, shift = quantize_multiplier(float(scale_of(t)))
            fields[f"{name}_zero"] = zero_of(t)
            fields[f"{name}_scale"] = {"multiplier": multiplier, "shift": shift}
    function = f"compare_{_SUFFIXES[a.dtype]}"
    params = Initializer(ctype, fields)
    return Code(
        function=function,
        body=f"{params.declare()}\n"
        f"{function}(&params, {site.input(0)}, {site.input(1)}, {site.output()});",
        files=("kernels.h", "broadcast.h", f"portable/{function}.c"),
    )


def _check_logical(graph: Graph, op: Op) -> Problem:
    problem = check_pair(graph, op) if op.name != "LOGICAL_NOT" else common.arity(op, 1)
    if problem:
        return problem
    wrong = [i for i in op.inputs if graph.tensors[i].dtype != "bool"]
    return (f"{graph.tensors[wrong[0]].dtype} data", common.BROKEN) if wrong else _bool(graph, op)


def _lower_logical(site: Site) -> Code:
    """Of 0 and 1 AND is the lesser, OR the greater."""
    if site.op.name == "LOGICAL_NOT":
        return lookup_code(site, (np.arange(256) == 0).astype(np.int8))
    a, b = tensor(site.graph, site.op, 0), tensor(site.graph, site.op, 1)
    params = Initializer(
        "maximum_s8_t",
        {
            "shape": broadcast_t(a.shape, b.shape),
            "sign": 1 if site.op.name == "LOGICAL_OR" else -1,
        },
    )
    operands = ", ".join(f"(const int8_t *){site.input(i)}" for i in (0, 1))
    return Code(
        function="maximum_s8",
        body=f"{params.declare()}\nmaximum_s8(&params, {operands}, (int8_t *){site.output()});",
        files=("kernels.h", "broadcast.h", "portable/maximum_s8.c"),
        in_place=in_place(site.graph, site.op),
    )


def _check_select(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 3)
    if problem:
        return problem
    condition, yes, no = (tensor(graph, op, i) for i in range(3))
    result = common.output(graph, op)
    if condition.dtype != "bool":
        return f"a {condition.dtype} condition", common.BROKEN
    if not yes.dtype == no.dtype == result.dtype or result.dtype not in CTYPES:
        return f"{yes.dtype} and {no.dtype} to {result.dtype}", common.REQUANTISE
    if op.name == "SELECT" and condition.shape not in ((), (1,), yes.shape):
        return "a condition of whole rows", "use where with operands of one shape (SELECT_V2)"
    shape: list[int] | None = list(condition.shape)
    for t in (yes, no):
        shape = None if shape is None else broadcast_shape(shape, t.shape)
    if shape != list(result.shape) or 0 in result.shape:
        return f"an output of shape {list(result.shape)}", common.BROKEN
    if len(result.shape) > MAX_RANK:
        return f"{len(result.shape)} dimensions, at most {MAX_RANK}", common.TFLM
    return common.first(common.same_quantisation(yes, result), common.same_quantisation(no, result))


def _lower_select(site: Site) -> Code:
    graph, op = site.graph, site.op
    result = common.output(graph, op)
    rank = len(result.shape)
    extents, steps = merge(
        result.shape, *(broadcast_steps(tensor(graph, op, i).shape, rank) for i in range(3))
    )
    params = Initializer(
        "select_t",
        {
            "size": np.dtype(result.dtype).itemsize,
            "count": common.elements(result),
            "rank": len(extents),
            "extent": tuple(extents),
            **{name: tuple(s) for name, s in zip(("condition", "yes", "no"), steps, strict=True)},
        },
    )
    operands = ", ".join(site.input(i) for i in range(3))
    return Code(
        function="select_nd",
        body=f"{params.declare()}\nselect_nd(&params, {operands}, {site.output()});",
        files=("kernels.h", "portable/select_nd.c"),
    )


_CASTS = ("int8", "int16", "int32", "float32", "bool")


def _check_cast(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 1)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    if data.dtype not in _CASTS or result.dtype not in _CASTS:
        return f"{data.dtype} to {result.dtype}", common.TFLM
    return common.same_shape(data, result)


def _lower_cast(site: Site) -> Code:
    data, result = tensor(site.graph, site.op, 0), common.output(site.graph, site.op)
    kinds = [f"CAST_{t.dtype.upper()}" for t in (data, result)]
    count = common.elements(result)
    return Code(
        function="cast",
        body=f"cast({site.input(0)}, {kinds[0]}, {site.output()}, {kinds[1]}, {count});",
        files=("kernels.h", "portable/cast.c"),
    )


_BASE = Support("", (), [], lambda graph, op: None)

SUPPORT = (
    *(
        replace(
            _BASE,
            name=name,
            dtypes=tuple(_SUFFIXES),
            kernels=[Portable(_lower_compare, _instructions)],
            check=_check_compare,
            notes="with broadcasting; to bool",
            versions=(1, 4),
        )
        for name in _TRUTHS
    ),
    *(
        replace(
            _BASE,
            name=name,
            dtypes=("bool",),
            kernels=[Portable(_lower_logical, _instructions)],
            check=_check_logical,
            versions=(1, 1),
        )
        for name in ("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT")
    ),
    replace(
        _BASE,
        name="SELECT",
        dtypes=tuple(CTYPES),
        kernels=[Portable(_lower_select, _instructions)],
        check=_check_select,
        notes="operands of one shape; the condition may be a scalar",
        versions=(1, 4),
    ),
    replace(
        _BASE,
        name="SELECT_V2",
        dtypes=tuple(CTYPES),
        kernels=[Portable(_lower_select, _instructions)],
        check=_check_select,
        notes="with broadcasting",
        versions=(1, 2),
    ),
    replace(
        _BASE,
        name="CAST",
        dtypes=_CASTS,
        kernels=[Portable(_lower_cast, _instructions)],
        check=_check_cast,
        notes="values as stored, among these types",
        versions=(1, 7),
    ),
)
