"""Kernels for weights stored without their zeros, on every core.

Each encoding is a candidate of its own, so that one is chosen per layer: by its bytes, its
instructions, or both, as `optimize` says.
"""

from __future__ import annotations

from pipeline.codegen.kernels.kernel import Kernel
from pipeline.codegen.kernels.sparse.conv import Sparse
from pipeline.codegen.kernels.sparse.pack import ENCODINGS
from pipeline.codegen.kernels.sparse.wide_conv import SparseWide

_CANDIDATES: list[Kernel] = [Sparse(encoding) for encoding in ENCODINGS]
_WIDE: list[Kernel] = [SparseWide(e, kept) for e in ENCODINGS for kept in (False, True)]
KERNELS: dict[str, list[Kernel]] = {
    "CONV_2D": [*_CANDIDATES, *_WIDE],
    "FULLY_CONNECTED": _CANDIDATES,
}
