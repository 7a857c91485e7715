"""FlatModel -> C array; the flatbuffer read into a typed Graph."""

from pipeline.convert.carray import CArray, c_header, c_source, write_c_array
from pipeline.convert.graph import Graph, Op, Tensor
from pipeline.convert.reader import layer_name, read_graph
from pipeline.convert.statistics import (
    index_range,
    macs,
    parameters,
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
    "index_range",
    "layer_name",
    "macs",
    "parameters",
    "read_graph",
    "total_macs",
    "write_c_array",
    "zero_share",
]
