"""How large things may be: far beyond any board's memory, far below what hurts this machine.

The reader asks before it copies or counts anything; a flatbuffer may point to the same bytes
any number of times, so what a file claims is not bounded by its length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pipeline.convert.checks.words import named, refused
from pipeline.convert.graph import Graph

FILE_BYTES = 1 << 28
"""Of a .tflite file. Boards have at most some ten megabytes of flash."""
OPS = 10_000
TENSORS = 50_000
LINKS = 1 << 18
"""Inputs and outputs of all ops together."""
ENDS = 1_000
"""Inputs and outputs of one op, or of the model."""
SUBGRAPHS = 1_000
RANK = 8
ELEMENTS = 1 << 23
"""Of one activation. The largest boards have 64 MB of RAM; few have 1 MB."""
CONSTANT_BYTES = 1 << 27
"""Of all constants, counted each time an op reads them: so much is packed for kernels."""
NAME_BYTES = 1 << 24
"""Of all names together."""
NAME_LENGTH = 4096
"""Converters join the names of what they fuse; more is cut off."""
SCALES = 1 << 22
"""Of all tensors together."""


def elements(shape: Sequence[int]) -> int:
    """Values of a tensor."""
    return math.prod(shape)


def check(graph: Graph) -> None:
    """Raises ModelError where a tensor, or all constants together, are beyond any board."""
    used = {i for op in graph.ops for i in (*op.inputs, *op.outputs) if i >= 0}
    for i in sorted(used.union(graph.inputs, graph.outputs)):
        t = graph.tensors[i]
        if t.data is None and elements(t.shape) > ELEMENTS:
            raise refused(
                graph,
                None,
                f"{named(t)} of shape {list(t.shape)} has {elements(t.shape):,} values, more than "
                f"the {ELEMENTS:,} that any microcontroller has room for",
                "make the network's input or its layers smaller",
            )
    read = [graph.tensors[i].data for op in graph.ops for i in op.inputs if i >= 0]
    total = sum(int(np.asarray(data).nbytes) for data in read if data is not None)
    if total > CONSTANT_BYTES:
        raise refused(
            graph,
            None,
            f"ops read {total:,} bytes of constants, more than the {CONSTANT_BYTES:,} that any "
            "microcontroller has room for",
            "make the network smaller",
        )
