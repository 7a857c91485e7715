"""The step `convert`: model.tflite -> a C array, and the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.progress import Progress, silent
from pipeline.run import Run, digest

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.convert import Graph
    from pipeline.load import FlatModel


def convert(run: Run, flat: FlatModel, *, progress: Progress = silent) -> Graph:
    """model.tflite -> model_data.h/.c, and the graph."""
    from pipeline.convert import read_graph, write_c_array

    graph = read_graph(flat)

    def make(folder: Path) -> Graph:
        progress("convert", 0, 0, "C array")
        write_c_array(flat, folder)
        return graph

    outputs = ("model_data.h", "model_data.c")
    return run.step("convert", digest(flat.sha256), outputs, make, lambda _: graph)
