"""Constants that are equal are stored once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.codegen.kernels.kernel import Code, Constant, Site
from pipeline.convert.graph import Graph, Op


def share_constants(graph: Graph, layers: Sequence[tuple[Op, Code]]) -> list[tuple[Op, Code]]:
    """Lets layers name an equal constant of an earlier layer instead of their own.

    Tables of activations and of sigmoids repeat often; weights hardly ever.
    """
    known: dict[tuple[str, int, str, bytes], str] = {}
    result = []
    for number, (op, code) in enumerate(layers):
        site = Site(number, graph, op)
        kept: list[Constant] = []
        body, initialize = code.body, code.initialize
        for constant in code.constants:
            values = np.ascontiguousarray(constant.values)
            key = (constant.ctype, constant.align, values.dtype.str, values.tobytes())
            symbol = site.constant(constant.name)
            first = known.setdefault(key, symbol)
            if first == symbol:
                kept.append(constant)
                continue
            body, initialize = (
                re.sub(rf"\b{symbol}\b", first, text) for text in (body, initialize)
            )
        result.append((op, replace(code, body=body, initialize=initialize, constants=tuple(kept))))
    return result
