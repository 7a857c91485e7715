"""A sample and the reference's answer to it, for the test that a rendered project carries."""

from __future__ import annotations

import numpy as np

from pipeline.convert import Graph
from pipeline.load import FlatModel
from pipeline.render import Golden

# A test is to be small: larger samples would crowd the model out of flash.
_MOST_BYTES = 1 << 15


def golden_of(flat: FlatModel, graph: Graph) -> Golden | None:
    """A random sample and its output; None where no reference interpreter runs the model.

    Models with several inputs or outputs, or with large ones, have none either. The same
    model gives the same sample.
    """
    from pipeline.measure.reference import Reference

    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return None
    source = graph.tensors[graph.inputs[0]]
    random = np.random.default_rng(0)
    if source.dtype == "float32":
        sample = random.normal(0, 1, source.shape).astype(np.float32)
    elif source.dtype in ("int8", "uint8", "int16"):
        info = np.iinfo(source.dtype)
        sample = random.integers(info.min, info.max + 1, source.shape).astype(source.dtype)
    else:
        return None
    if sample.nbytes > _MOST_BYTES:
        return None
    with Reference(flat.content, sample) as reference:
        outputs = reference.outputs()
        if outputs is None or len(outputs) != 1:
            return None
        return Golden(sample.tobytes(), outputs[0].tobytes(), reference.name)
