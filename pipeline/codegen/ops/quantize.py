"""QUANTIZE and DEQUANTIZE: where a model meets float, and rescaling in between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Code, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import (
    INT_RANGE,
    quantize_multiplier,
    requantize,
    scale_of,
    zero_of,
)
from pipeline.codegen.ops import common, int16
from pipeline.codegen.ops.common import Problem, tensor
from pipeline.codegen.ops.lookup import lookup_code
from pipeline.convert.graph import Graph, Op, Tensor

_BYTES = {"int8": 1, "int16": 2, "int32": 4}
_RESIZED = (
    ("int8", "int16"),
    ("int8", "int32"),
    ("int16", "int8"),
    ("int16", "int32"),
    ("int32", "int8"),
    ("int32", "int16"),
)


def _check_quantize(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 1)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    pair = (data.dtype, result.dtype)
    if pair not in (
        ("float32", "int8"),
        ("float32", "int16"),
        ("int8", "int8"),
        ("int16", "int16"),
        ("int8", "uint8"),
        ("uint8", "int8"),
        *_RESIZED,
    ):
        return f"{data.dtype} to {result.dtype}", common.REQUANTISE
    if pair == ("int16", "int16") and (zero_of(data) or zero_of(result)):
        return "int16 data with a zero point", common.BROKEN
    return common.first(
        None if data.dtype == "float32" else common.quantised(data),
        common.quantised(result),
        common.same_shape(data, result),
    )


def _check_dequantize(graph: Graph, op: Op) -> Problem:
    problem = common.arity(op, 1)
    if problem:
        return problem
    data, result = tensor(graph, op, 0), common.output(graph, op)
    if data.dtype not in common.WIDE or result.dtype != "float32":
        return f"{data.dtype} to {result.dtype}", common.REQUANTISE
    return common.first(common.quantised(data), common.same_shape(data, result))


def _lower_quantize(site: Site) -> Code:
    data, result = tensor(site.graph, site.op, 0), common.output(site.graph, site.op)
    if data.dtype == "float32":
        name = f"quantize_f32_{common.suffix(result)}"
        return _float_code(site, name, float(scale_of(result)), zero_of(result))
    if (data.dtype, result.dtype) in _RESIZED:
        return _resized(site, data, result)
    if data.dtype == "int16":
        return int16.rescaled(site)
    return lookup_code(site, rescaling_table(data, result))


def _resized(site: Site, data: Tensor, result: Tensor) -> Code:
    multiplier, shift = quantize_multiplier(float(scale_of(data)) / float(scale_of(result)))
    before, after = _BYTES[data.dtype], _BYTES[result.dtype]
    params = Initializer(
        "rescale_t",
        {
            "input_bytes": before,
            "output_bytes": after,
            "input_zero": zero_of(data),
            "output_zero": zero_of(result),
            "scale": {"multiplier": multiplier, "shift": shift},
        },
    )
    count = common.elements(result)
    return Code(
        function="rescale",
        body=f"{params.declare()}\nrescale(&params, {site.input(0)}, {site.output()}, {count});",
        files=("kernels.h", "requantize.h", "portable/rescale.c"),
        in_place=(0,) if after <= before else (),
    )


def rescaling_table(data: Tensor, result: Tensor) -> NDArray[np.int8]:
    """QUANTIZE of 8-bit data: the outputs' bytes by the input's byte."""
    stored = np.arange(256).astype(np.uint8)
    x = stored.view(np.int8 if data.dtype == "int8" else np.uint8).astype(np.int64)
    multiplier, shift = quantize_multiplier(float(scale_of(data)) / float(scale_of(result)))
    y = requantize(x - zero_of(data), multiplier, shift) + zero_of(result)
    low, high = INT_RANGE[result.dtype]
    values = np.clip(y, low, high).astype(np.int8 if result.dtype == "int8" else np.uint8)
    return values.view(np.int8)


def _lower_dequantize(site: Site) -> Code:
    data = tensor(site.graph, site.op, 0)
    name = f"dequantize_{common.suffix(data)}_f32"
    return _float_code(site, name, float(scale_of(data)), zero_of(data))


def _float_code(site: Site, function: str, scale: float, zero: int) -> Code:
    count = common.elements(common.output(site.graph, site.op))
    return Code(
        function=function,
        body=f"{function}({site.input(0)}, {site.output()}, {count}, {scale!r}f, {zero});",
        files=("kernels.h", "requantize.h", f"portable/{function}.c"),
    )


def _instructions(graph: Graph, op: Op) -> float:
    return 20.0 * common.elements(common.output(graph, op))


SUPPORT = (
    Support(
        name="QUANTIZE",
        dtypes=("float32", "int8", "int16", "int32", "uint8"),
        kernels=[Portable(_lower_quantize, _instructions)],
        check=_check_quantize,
        notes="float32 to int8 and int16; among int8, int16 and int32; int8 to uint8 and back",
        versions=(1, 4),
    ),
    Support(
        name="DEQUANTIZE",
        dtypes=common.WIDE,
        kernels=[Portable(_lower_dequantize, _instructions)],
        check=_check_dequantize,
        notes="int8 and int16 to float32",
        versions=(1, 7),
    ),
)
