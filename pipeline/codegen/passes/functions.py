"""What elementwise ops compute, for stored values at hand: the exact arithmetic of TFLite Micro."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.numeric import I64, requantize, zero_of
from pipeline.codegen.ops import common
from pipeline.codegen.ops.arithmetic import (
    FRACTION_BITS,
    operand_multipliers,
    product_multiplier,
    steep_factors,
)
from pipeline.codegen.ops.lookup import FUNCTIONS, stored_inputs, table
from pipeline.codegen.ops.quantize import rescaling_table
from pipeline.codegen.passes.edit import Edit
from pipeline.codegen.references import sum_ratio
from pipeline.convert.graph import Graph, Op, Tensor

Table = NDArray[np.int8]
"""Outputs of a function of one int8 value, by the input's byte."""

PAIRS = frozenset({"ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"})
"""Elementwise ops of two operands."""


def identity() -> Table:
    """The table that changes nothing."""
    return stored_inputs().astype(np.int8)


def apply(values: Table, x: NDArray[np.int8] | I64) -> Table:
    """Looks up stored values."""
    found: Table = values[np.asarray(x, np.int8).view(np.uint8)]
    return found


def pair(op: Op, x: Tensor, y: Tensor, result: Tensor, a: I64, b: I64) -> I64:
    """Stored outputs of one of PAIRS for stored operands."""
    if op.name in ("MAXIMUM", "MINIMUM"):
        return np.maximum(a, b) if op.name == "MAXIMUM" else np.minimum(a, b)
    if op.name == "MUL":
        scale = product_multiplier(x, y, result)
        value = requantize((a - zero_of(x)) * (b - zero_of(y)), *scale)
    elif sum_ratio(x, y, result) >= 1:
        of_a, of_b, shift = steep_factors(x, y, result)
        value = (a - zero_of(x)) * of_a + (b - zero_of(y)) * (of_b if op.name == "ADD" else -of_b)
        value = np.sign(value) * ((np.abs(value) + (1 << (shift - 1))) >> shift)
    else:
        left, right, out = operand_multipliers(x, y, result)
        value = requantize((b - zero_of(y)) << FRACTION_BITS, *right)
        value = value if op.name == "ADD" else -value
        value = requantize(requantize((a - zero_of(x)) << FRACTION_BITS, *left) + value, *out)
    return np.clip(value + zero_of(result), *common.limits(op, result))


def table_of(graph: Graph | Edit, op: Op) -> Table | None:
    """The op as a function of its input 0; None where it is none, or not of int8."""
    if not op.outputs or not op.inputs or op.inputs[0] < 0:
        return None
    data, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    if (data.dtype, result.dtype) != ("int8", "int8") or data.data is not None:
        return None
    if "table" in op.options:
        return np.frombuffer(op.options["table"], np.int8)
    if op.name in FUNCTIONS:
        return table(FUNCTIONS[op.name][0], op, data, result)
    if op.name == "QUANTIZE":
        return rescaling_table(data, result)
    return None


def uniform(t: Tensor) -> int | None:
    """The one int8 value that a constant consists of; None for all others."""
    if t.data is None or t.dtype != "int8" or t.data.size == 0 or len(t.scales) != 1:
        return None
    value = t.data.reshape(-1)[0]
    return int(value) if bool((t.data == value).all()) else None
