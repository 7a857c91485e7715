"""Graph -> Program: the ahead-of-time engine's C."""

from pipeline.codegen.compile import check_supported, compile_graph
from pipeline.codegen.generate import generate, held_inputs, size_limit
from pipeline.codegen.program import Layer, Optimize, Placement, Program
from pipeline.codegen.registry import supported_ops
from pipeline.codegen.target import Target

__all__ = [
    "Layer",
    "Optimize",
    "Placement",
    "Program",
    "Target",
    "check_supported",
    "compile_graph",
    "generate",
    "held_inputs",
    "size_limit",
    "supported_ops",
]
