"""UNIDIRECTIONAL_SEQUENCE_LSTM and SVDF: ops with state between inferences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.kernels.kernel import Code, Constant, Initializer, Portable, Site, Support
from pipeline.codegen.numeric import quantize_multiplier, scale_of, wrap32, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.common import Problem, optional, tensor
from pipeline.codegen.ops.int16 import sigmoid_table
from pipeline.convert.graph import Graph, Op, Tensor
from pipeline.convert.statistics import macs

_GATES = ("input", "forget", "cell", "output")
"""In the order of their weights (inputs 1 to 8) and biases (inputs 12 to 15)."""
_HIDDEN, _CELL = 18, 19
_ABSENT = (*range(9, 12), 16, 17, *range(20, 24))
"""Peepholes, projection and layer normalisation, which TFLM does not run either."""
_TANH = 4
_Q12 = 2.0**-12
_Q15 = 2.0**-15
_DOT = ("kernels.h", "requantize.h", "dot_s8.h", "dsp/simd.h")


def _check_lstm(graph: Graph, op: Op) -> Problem:
    if len(op.inputs) != 24 or len(op.outputs) != 1:
        return f"{len(op.inputs)} inputs, expected 24", common.BROKEN
    if any(op.inputs[i] >= 0 for i in _ABSENT):
        return "peepholes, projection or layer normalisation", common.TFLM
    if any(op.inputs[i] < 0 for i in (*range(9), *range(12, 16), _HIDDEN, _CELL)):
        return "an LSTM without input gate or bias", common.TFLM
    data, hidden, cell = (tensor(graph, op, i) for i in (0, _HIDDEN, _CELL))
    result = common.output(graph, op)
    problem = common.first(
        common.typed(data, hidden, result), common.typed(cell, dtypes=("int16",))
    )
    if problem:
        return problem
    if not hidden.variable or not cell.variable:
        return "a state that is no variable tensor", common.BROKEN
    if int(op.options.get("fused_activation_function", _TANH)) != _TANH:
        return "a cell gate other than tanh", "use activation tanh"
    if len(data.shape) != 3 or len(hidden.shape) != 2:
        return f"data of shape {list(data.shape)}", common.BROKEN
    power = math.log2(float(scale_of(cell)))
    if abs(power - round(power)) > 1e-3 or not -26 <= round(power) <= 0:
        return f"a cell state with scale {scale_of(cell):g}", "quantise again"
    units, inputs = hidden.shape[1], data.shape[2]
    for gate in range(4):
        weights, recurrent, bias = (tensor(graph, op, i + gate) for i in (1, 5, 12))
        for t, shape in ((weights, (units, inputs)), (recurrent, (units, units))):
            problem = common.first(common.constant(t, "weights"), common.typed(t))
            if problem:
                return problem
            if t.shape != shape or zero_of(t) != 0:
                return f"weights of shape {list(t.shape)}", common.BROKEN
        if bias.dtype != "int32" or bias.shape != (units,) or bias.data is None:
            return "biases that are no constant int32", common.BROKEN
    rows = data.shape[:2]
    batches = rows[1] if op.options.get("time_major") else rows[0]
    if result.shape != (*rows, units) or hidden.shape[0] != batches or cell.shape != hidden.shape:
        return f"output of shape {list(result.shape)}", common.BROKEN
    return None


def _gate(site: Site, number: int, constants: list[Constant]) -> dict[str, Any]:
    """lstm_gate_t of one gate; its arrays are added to `constants`."""
    graph, op, name = site.graph, site.op, _GATES[number]
    data, hidden = tensor(graph, op, 0), tensor(graph, op, _HIDDEN)
    weights, recurrent, bias = (tensor(graph, op, i + number) for i in (1, 5, 12))
    assert weights.data is not None
    assert recurrent.data is not None
    assert bias.data is not None
    folded = bias.data.astype(np.int64) - zero_of(data) * _row_sums(weights)
    old = -zero_of(hidden) * _row_sums(recurrent)
    arrays = {
        "weights": weights.data,
        "recurrent": recurrent.data,
        "bias": wrap32(folded).astype(np.int32),
        "recurrent_bias": wrap32(old).astype(np.int32),
    }
    fields: dict[str, Any] = {}
    for key, values in arrays.items():
        ctype = "int8_t" if values.dtype == np.int8 else "int32_t"
        constants.append(Constant(f"{name}_{key}", ctype, values))
        fields[key] = site.constant(f"{name}_{key}")
    for prefix, source, matrix in (("", data, weights), ("recurrent_", hidden, recurrent)):
        product = float(scale_of(source)) * float(scale_of(matrix))
        multiplier, shift = quantize_multiplier(product / _Q12)
        fields[f"{prefix}multiplier"], fields[f"{prefix}shift"] = multiplier, shift
    return fields


def _row_sums(t: Tensor) -> NDArray[np.int64]:
    assert t.data is not None
    return np.asarray(t.data.astype(np.int64).sum(axis=1))


def _scale(real: float) -> dict[str, int]:
    """scale_t"""
    multiplier, shift = quantize_multiplier(real)
    return {"multiplier": multiplier, "shift": shift}


def _lower_lstm(site: Site) -> Code:
    graph, op = site.graph, site.op
    data, hidden, cell = (tensor(graph, op, i) for i in (0, _HIDDEN, _CELL))
    time_major = bool(op.options.get("time_major"))
    constants: list[Constant] = []
    gates = {f"{name}_gate": _gate(site, i, constants) for i, name in enumerate(_GATES)}
    constants.append(Constant("sigmoid", "uint16_t", sigmoid_table()))
    cell_scale, q15 = float(scale_of(cell)), _Q15
    clip = float(op.options.get("cell_clip", 0.0))
    params = Initializer(
        "lstm_s8_t",
        {
            "batches": hidden.shape[0],
            "steps": data.shape[0 if time_major else 1],
            "inputs": data.shape[2],
            "units": hidden.shape[1],
            "time_major": time_major,
            **gates,
            "forget_scale": _scale(q15 * cell_scale / cell_scale),
            "input_scale": _scale(q15 * q15 / cell_scale),
            "output_scale": _scale(q15 * q15 / float(scale_of(hidden))),
            "output_zero": zero_of(hidden),
            "cell_power": round(math.log2(cell_scale)),
            "cell_clip": int(min(clip / cell_scale, 32767.0)) if clip > 0 else 0,
            "sigmoid": site.constant("sigmoid"),
        },
    )
    return Code(
        function="lstm_s8",
        body=f"{params.declare()}\n"
        f"lstm_s8(&params, {site.input(0)}, {site.input(_HIDDEN)}, {site.input(_CELL)}, "
        f"{site.output()});",
        constants=tuple(constants),
        files=(*_DOT, "sigmoid_s16.h", "portable/lstm_s8.c"),
        encoding="dense",
    )


def _check_svdf(graph: Graph, op: Op) -> Problem:
    if len(op.inputs) != 5 or min(*op.inputs[:3], op.inputs[4]) < 0 or len(op.outputs) != 1:
        return f"{len(op.inputs)} inputs, expected 5", common.BROKEN
    data, feature, time, state = (tensor(graph, op, i) for i in (0, 1, 2, 4))
    bias, result = optional(graph, op, 3), common.output(graph, op)
    problem = common.first(
        common.typed(data, feature, result),
        common.typed(time, state, dtypes=common.WIDE),
        common.constant(feature, "weights"),
        common.constant(time, "weights"),
    )
    if problem:
        return problem
    if time.dtype != state.dtype:
        return f"{time.dtype} time weights with {state.dtype} state", common.BROKEN
    if not state.variable or zero_of(feature) or zero_of(time):
        return "a state that is no variable tensor, or zero points", common.BROKEN
    if state.dtype == "int16" and zero_of(state):
        return "an int16 state with a zero point", common.BROKEN
    if not len(data.shape) == len(feature.shape) == len(time.shape) == 2:
        return f"data of shape {list(data.shape)}", common.BROKEN
    rank, (filters, memory) = int(op.options.get("rank", 1)), time.shape
    if rank < 1 or filters % rank or feature.shape != (filters, data.shape[1]):
        return f"rank {rank} with {filters} filters", common.BROKEN
    if common.elements(state) != data.shape[0] * filters * memory:
        return f"state of shape {list(state.shape)}", common.BROKEN
    if result.shape != (data.shape[0], filters // rank) or min(result.shape) < 1:
        return f"output of shape {list(result.shape)}", common.BROKEN
    if bias is not None and (
        bias.dtype != "int32" or bias.data is None or common.elements(bias) != filters // rank
    ):
        return "biases that are no constant int32", common.BROKEN
    return None


def _lower_svdf(site: Site) -> Code:
    graph, op = site.graph, site.op
    data, feature, time, state = (tensor(graph, op, i) for i in (0, 1, 2, 4))
    bias, result = optional(graph, op, 3), common.output(graph, op)
    assert feature.data is not None
    assert time.data is not None
    folded = wrap32(-zero_of(data) * _row_sums(feature))
    function = "svdf_s8" if state.dtype == "int16" else "svdf_s8_narrow"
    constants = [
        Constant("feature_weights", "int8_t", feature.data, note="filters, inputs"),
        Constant("feature_bias", "int32_t", folded.astype(np.int32)),
        Constant("time_weights", f"{time.dtype}_t", time.data, note="filters, memory"),
    ]
    if bias is not None and bias.data is not None:
        constants.append(Constant("bias", "int32_t", bias.data))
    between = float(scale_of(state))
    into = float(scale_of(data)) * float(scale_of(feature)) / between
    out = between * float(scale_of(time)) / float(scale_of(result))
    params = Initializer(
        "svdf_s8_t",
        {
            "batches": data.shape[0],
            "inputs": data.shape[1],
            "filters": time.shape[0],
            "rank": int(op.options.get("rank", 1)),
            "memory": time.shape[1],
            "state_zero": zero_of(state),
            "output_zero": zero_of(result),
            "feature_scale": _scale(into),
            "output_scale": _scale(out),
            "feature_weights": site.constant("feature_weights"),
            "feature_bias": site.constant("feature_bias"),
            "time_weights": site.constant("time_weights"),
            "bias": "NULL" if bias is None else site.constant("bias"),
        },
    )
    return Code(
        function=function,
        body=f"{params.declare()}\n"
        f"{function}(&params, {site.input(0)}, {site.input(4)}, {site.output()});",
        constants=tuple(constants),
        files=(*_DOT, "portable/svdf.h", f"portable/{function}.c"),
        encoding="dense",
    )


def _instructions(graph: Graph, op: Op) -> float:
    return 8.0 * macs(graph, op)


SUPPORT = (
    Support(
        name="UNIDIRECTIONAL_SEQUENCE_LSTM",
        dtypes=("int8",),
        kernels=[Portable(_lower_lstm, _instructions)],
        check=_check_lstm,
        notes="int16 cell state; no peepholes, projection, layer normalisation",
        versions=(1, 5),
    ),
    Support(
        name="SVDF",
        dtypes=("int8",),
        kernels=[Portable(_lower_svdf, _instructions)],
        check=_check_svdf,
        notes="time weights and state int16, or both int8",
        versions=(1, 4),
    ),
)
