"""From the cost model to expected figures: factors found by measuring, in estimates.json.

`python benchmarks/estimates.py` measures programs on emulated boards, fits the factors and
writes the file; nothing in it is typed in by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pipeline.board import Board
from pipeline.codegen import Program
from pipeline.codegen.program import Layer

TABLE = Path(__file__).with_name("estimates.json")

# Stand-ins for cores that were never measured: typical of Thumb-2 at -O2.
_BASE_CODE, _LAYER_CODE, _FILE_CODE, _OTHER_RAM = 16_000, 120, 600, 600


def key(kernel: str, encoding: str) -> str:
    """What a layer's figures are filed under; each encoding has code of its own."""
    return f"{kernel}: {encoding}" if encoding else kernel


@dataclass(frozen=True)
class CoreFigures:
    """What was found by measuring on one core.

    Attributes:
        kernels: kernel function, with and without the encoding of its weights -> (factor, per
            element, per call): instructions = factor * estimate of the cost model + per
            element * output elements + per call.
        overhead: instructions of an inference outside of the layers.
        base_code: bytes of flash without any kernel: monitor, port, C library.
        layer_code: bytes of generated code per layer.
        files: file of firmware/runtime -> bytes of code.
        other_ram: bytes of static RAM beside the arena.
        accuracy: mean error of the estimates on the models they were fitted with.
    """

    kernels: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    overhead: int = 0
    base_code: int = _BASE_CODE
    layer_code: int = _LAYER_CODE
    files: dict[str, int] = field(default_factory=dict)
    other_ram: int = _OTHER_RAM
    accuracy: dict[str, float] = field(default_factory=dict)

    def instructions(self, layer: Layer) -> int:
        """Expected instructions of a layer; uncalibrated kernels count as their model says."""
        alone = self.kernels.get(layer.kernel, (1.0, 0.0, 0.0))
        factor, element, call = self.kernels.get(key(layer.kernel, layer.encoding), alone)
        return max(0, round(factor * layer.estimate + element * layer.elements + call))

    def code_bytes(self, program: Program) -> int:
        """Expected bytes of code in flash."""
        sources = [file for file in program.runtime if file.endswith((".c", ".S"))]
        kernels = sum(self.files.get(file, _FILE_CODE) for file in sources)
        return self.base_code + self.layer_code * len(program.layers) + kernels


@cache
def _table() -> dict[str, CoreFigures]:
    if not TABLE.is_file():
        return {}
    cores = json.loads(TABLE.read_text())["cores"]
    return {name: _figures(values) for name, values in cores.items()}


def _figures(values: dict[str, object]) -> CoreFigures:
    kernels = values.pop("kernels", {})
    assert isinstance(kernels, dict)
    terms = {name: (float(a), float(b), float(c)) for name, (a, b, c) in kernels.items()}
    return CoreFigures(kernels=terms, **values)  # type: ignore[arg-type]


def figures_for(board: Board) -> CoreFigures:
    """The figures of the board's core; stand-ins where it was never measured."""
    return _table().get(board.core, CoreFigures())
