"""What a graph read from a file must be before anyone works with it.

One module per concern. All of them run once, when the reader has made a Graph; nothing
behind it has to ask again whether an index exists, an option is there or a size makes sense.
What TensorFlow Lite Micro runs is let through, odd as it may be.
"""

from __future__ import annotations

from pipeline.convert.checks import options, quantization, shapes, sizes, structure, windows
from pipeline.convert.graph import Graph


def check(graph: Graph) -> None:
    """Raises ModelError, naming model, op and tensor, for what no engine can run."""
    structure.check(graph)
    sizes.check(graph)
    options.check(graph)
    quantization.check(graph)
    windows.check(graph)
    shapes.check(graph)
