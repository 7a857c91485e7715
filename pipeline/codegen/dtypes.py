"""Types of tensors: what they are called in C, and the bytes they take."""

from __future__ import annotations

import math

import numpy as np

from pipeline.convert.graph import Tensor

CTYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
    "bool": "uint8_t",
}
DTYPES = {
    "int8": "NETWORK_INT8",
    "int16": "NETWORK_INT16",
    "int32": "NETWORK_INT32",
    "uint8": "NETWORK_UINT8",
    "float32": "NETWORK_FLOAT32",
    "bool": "NETWORK_BOOL",
}


def bytes_of(t: Tensor) -> int:
    """Bytes a tensor takes in memory."""
    return math.prod(t.shape) * np.dtype(t.dtype).itemsize
