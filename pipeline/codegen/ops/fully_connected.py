"""FULLY_CONNECTED."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Code, Constant, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import (
    quantize_multiplier,
    scale_of,
    wrap32,
    zero_of,
)
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, optional, tensor
from pipeline.codegen.ops.conv import (
    channel_multipliers,
    check_bias,
    check_weights,
    check_wide_shifts,
    settle,
)
from pipeline.convert.graph import Graph, Op, Tensor
from pipeline.convert.statistics import macs


@dataclass(frozen=True, eq=False)
class Dense:
    """All numbers of a fully connected layer, for every kernel.

    `weights` is (outputs, inputs); `bias` has the input's zero point folded in
    (bias - zero * sum of weights; 32 bits, or 64 for int16 data); `multipliers` and
    `shifts` have one entry, or one per output where `per_channel`.
    """

    input: Tensor
    output: Tensor
    rows: int
    weights: NDArray[np.int8]
    bias: NDArray[np.int32] | NDArray[np.int64]
    multipliers: NDArray[np.int32]
    shifts: NDArray[np.int8]
    per_channel: bool
    output_zero: int
    low: int
    high: int


def dense(graph: Graph, op: Op) -> Dense:
    """Reads a fully connected layer that `check` accepts."""
    data, weights, bias = tensor(graph, op, 0), tensor(graph, op, 1), optional(graph, op, 2)
    result = common.output(graph, op)
    assert weights.data is not None
    matrix = weights.data.reshape(-1, weights.shape[-1])
    outputs, inputs = matrix.shape
    sums = matrix.astype(np.int64).sum(axis=1)
    own = np.zeros(outputs, np.int64) if bias is None else np.asarray(bias.data, np.int64)
    per_channel = len(weights.scales) > 1
    if per_channel:
        multipliers, shifts = channel_multipliers(data, weights, result, outputs)
    else:
        product = float(scale_of(data)) * float(scale_of(weights))
        m, s = quantize_multiplier(product / float(scale_of(result)))
        multipliers, shifts = np.array([m], np.int32), np.array([s], np.int8)
    folded: NDArray[np.int32] | NDArray[np.int64] = own.reshape(-1)
    if data.dtype != "int16":
        small = wrap32(own.reshape(-1) - zero_of(data) * sums).astype(np.int32)
        if per_channel:
            small, multipliers, shifts = settle(matrix, small, multipliers, shifts)
        folded = small
    low, high = common.limits(op, result)
    return Dense(
        input=data,
        output=result,
        rows=common.elements(data) // inputs,
        weights=matrix,
        bias=folded,
        multipliers=multipliers,
        shifts=shifts,
        per_channel=per_channel,
        output_zero=zero_of(result),
        low=low,
        high=high,
    )


def check_shapes(graph: Graph, op: Op) -> Problem:
    """All but types, quantisation, and whether the weights are known."""
    problem = common.first(common.arity(op, 2, 3), common.activation(op))
    if problem:
        return problem
    data, weights, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    if op.options.get("weights_format", 0):
        return "shuffled weights", "convert the model without optimising for one CPU"
    if len(weights.shape) < 2 or min(weights.shape) < 1:
        return f"weights of shape {list(weights.shape)}", common.BROKEN
    inputs = weights.shape[-1]
    outputs = common.elements(weights) // inputs
    if common.elements(data) % inputs or common.elements(result) != (
        common.elements(data) // inputs * outputs
    ):
        return f"data {list(data.shape)} for weights {list(weights.shape)}", common.BROKEN
    if not result.shape or result.shape[-1] != outputs:
        return f"output shape {list(result.shape)} for {outputs} outputs", common.BROKEN
    return None


def _check(graph: Graph, op: Op) -> Problem:
    problem = check_shapes(graph, op)
    if problem:
        return problem
    data, weights, result = tensor(graph, op, 0), tensor(graph, op, 1), common.output(graph, op)
    outputs = result.shape[-1]
    return common.first(
        common.alike(data, result),
        common.constant(weights, "weights"),
        check_weights(weights, outputs, 0),
        check_bias(
            optional(graph, op, 2),
            outputs,
            ("int32", "int64") if data.dtype == "int16" else ("int32",),
        ),
        check_wide_shifts(data, weights, result, outputs),
    )


def _lower(site: Site) -> Code:
    d = dense(site.graph, site.op)
    wide = d.input.dtype == "int16"
    function = f"fully_connected_{common.suffix(d.input)}"
    bias = optional(site.graph, site.op, 2)
    # A bias of 32 bits asks for sums of 32 bits.
    narrow = bias is not None and bias.dtype == "int32"
    has_bias = bool(np.any(d.bias))
    constants = [
        Constant("weights", "int8_t", d.weights, note="outputs, inputs"),
        Constant("multiplier", "int32_t", d.multipliers),
        Constant("shift", "int8_t", d.shifts),
    ]
    if has_bias:
        note = "" if wide else "input zero point folded in"
        ctype = "int64_t" if wide else "int32_t"
        constants.insert(1, Constant("bias", ctype, d.bias, note=note))
    params = Initializer(
        f"{function}_t",
        {
            "rows": d.rows,
            "inputs": d.weights.shape[1],
            "outputs": d.weights.shape[0],
            **({} if wide else {"output_zero": d.output_zero}),
            "min": d.low,
            "max": d.high,
            "weights": site.constant("weights"),
            "bias": site.constant("bias") if has_bias else "NULL",
            "multiplier": site.constant("multiplier"),
            "shift": site.constant("shift"),
            "per_channel": d.per_channel,
            **({"wide": not narrow} if wide else {}),
        },
    )
    return Code(
        function=function,
        body=f"{params.declare()}\n{function}(&params, {site.input(0)}, {site.output()});",
        constants=tuple(constants),
        files=("kernels.h", "requantize.h", f"portable/{function}.c"),
        encoding="dense",
    )


SUPPORT = (
    Support(
        name="FULLY_CONNECTED",
        dtypes=common.WIDE,
        kernels=[Portable(_lower, lambda graph, op: 6.0 * macs(graph, op))],
        check=_check,
        notes="per-tensor and per-channel; constant weights",
        versions=(1, 14),
    ),
)
