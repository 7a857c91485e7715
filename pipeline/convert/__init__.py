"""FlatModel -> C array; the flatbuffer read into a typed Graph."""

from pipeline.convert.carray import CArray, c_header, c_source, write_c_array
from pipeline.convert.graph import Graph, Op, Tensor
from pipeline.convert.reader import layer_name, read_graph
from pipeline.convert.statistics import (
    is_integer,
    macs,
    parameters,
    require_integer,
    total_macs,
    zero_share,
)

__all__ = [
    "CArray",
    "Graph",
    "Op",
    "Tensor",
    "c_header",
    "c_source",
    "is_integer",
    "layer_name",
    "macs",
    "parameters",
    "read_graph",
    "require_integer",
    "total_macs",
    "write_c_array",
    "zero_share",
]
