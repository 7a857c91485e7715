"""The seam between the graph and the C kernels: what an op module offers.

An operator is a `Support`: what of it is accepted, and a list of `Kernel` candidates.
For each op of a model the candidate with the lowest cost among those that apply is
taken; the portable kernel always applies. A kernel turns an op into `Code`: C statements
that call into firmware/runtime, and the constants they need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.codegen.memory.overlap import Overlap
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op, Tensor


@dataclass(frozen=True)
class Cost:
    """What running an op with a kernel takes; estimates, for choosing only.

    Attributes:
        cycles: instructions per inference.
        flash: bytes of weights and constants of this op, plus the kernel's own code
            shared among the ops that use it (a rough share is enough).
        ram: scratch bytes.
    """

    cycles: float
    flash: int = 0
    ram: int = 0


# C's element type -> bytes.
_SIZES = {f"{sign}int{8 * n}_t": n for sign in ("", "u") for n in (1, 2, 4, 8)} | {"float": 4}


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant array of network_data.c.

    Attributes:
        name: what it is ("weights", "bias"); the symbol is model_<layer>_<name>.
        ctype: element type ("int8_t", "int32_t", "uint8_t", ...), or a struct of kernels.h.
        values: elements in storage order, flattened when written.
        align: bytes; 0 leaves it to the compiler.
        note: a comment: layout, shape, units.
    """

    name: str
    ctype: str
    values: NDArray[Any]
    align: int = 0
    note: str = ""

    @property
    def nbytes(self) -> int:
        """Bytes in flash, whatever the array in Python is made of."""
        values = np.asarray(self.values)
        return values.size * _SIZES.get(self.ctype, values.itemsize)


@dataclass(frozen=True)
class Code:
    """An op turned into C.

    Attributes:
        function: the kernel function that does the work; the layer's `kernel`.
        body: C statements of the layer's function, without its braces, unindented.
        constants: arrays the body names, through `Site.constant`.
        files: files of firmware/runtime to be compiled or included, relative to it.
        scratch: bytes of arena needed while the layer runs; `Site.scratch` names it.
        in_place: positions in op.inputs whose memory the output may take over: the
            kernel writes element i only after it has read element i for the last time.
        overlaps: where else the output may share memory with an input, at a distance.
        slack: bytes the kernel may read past the end of input 0; the planner makes
            sure they lie within the arena.
        encoding: how the weights are stored.
        initialize: C statements run once by network_init() and by network_reset().
    """

    function: str
    body: str
    constants: tuple[Constant, ...] = ()
    files: tuple[str, ...] = ()
    scratch: int = 0
    in_place: tuple[int, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    slack: int = 0
    encoding: str = ""
    initialize: str = ""


@dataclass(frozen=True)
class Site:
    """Names in C for what a layer's code refers to.

    Attributes:
        number: index of the layer in the program.
        graph, op: what is compiled.
    """

    number: int
    graph: Graph
    op: Op

    def input(self, position: int) -> str:
        """C expression of input `position`: a typed pointer, in the arena or constant."""
        return self.tensor(self.op.inputs[position])

    def output(self, position: int = 0) -> str:
        """C expression of output `position`: a typed pointer into the arena."""
        return self.tensor(self.op.outputs[position])

    def tensor(self, index: int) -> str:
        """C expression of any tensor."""
        if self.graph.tensors[index].data is not None:
            return f"model_tensor_{index}"
        return f"tensor_{index}"

    def constant(self, name: str) -> str:
        """Symbol of one of this layer's own `Code.constants`."""
        return f"model_{self.number:02d}_{name}"

    @property
    def scratch(self) -> str:
        """C expression of the scratch memory: a uint8_t pointer aligned to 16."""
        return f"scratch_{self.number:02d}"


class Kernel(Protocol):
    """One way to run an op."""

    @property
    def name(self) -> str:
        """For people and for `mcu ops`: "portable", "dsp 2x4 tile", ..."""

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """True where the kernel can run this op on this core with exact results."""

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """Estimate; the candidate with the lowest `weighed` cost is taken."""

    def lower(self, site: Site) -> Code:
        """The C for it."""


@dataclass(frozen=True)
class Support:
    """An operator the engine runs.

    Attributes:
        name: TFLite's builtin name.
        dtypes: accepted types of the data, for people ("int8").
        notes: restrictions, for people.
        versions: lowest and highest operator version accepted.
        check: what of this op is not supported, as (what, hint), or None where all is.
        kernels: candidates, in no order; one of them is portable.
        view: the output is the input's memory under another shape; needs no code.
    """

    name: str
    dtypes: tuple[str, ...]
    kernels: list[Kernel]
    check: Callable[[Graph, Op], tuple[str, str] | None]
    notes: str = ""
    versions: tuple[int, int] = (1, 99)
    view: bool = False


@dataclass(frozen=True)
class Portable:
    """A portable kernel: one function that lowers every op of its kind.

    Attributes:
        lowering: Site -> Code.
        instructions: estimate per inference on a 32-bit core.
    """

    lowering: Callable[[Site], Code]
    instructions: Callable[[Graph, Op], float]
    name: str = "portable"

    def applies(self, graph: Graph, op: Op, target: Target) -> bool:
        """Always."""
        return True

    def cost(self, graph: Graph, op: Op, target: Target, optimize: Optimize) -> Cost:
        """Its own estimate; portable kernels add no packing."""
        return Cost(self.instructions(graph, op))

    def lower(self, site: Site) -> Code:
        """The C for it."""
        return self.lowering(site)


PRICES: Mapping[Optimize, tuple[float, float]] = {
    "speed": (0.0, 0.0),
    "balanced": (8.0, 48.0),
    "size": (64.0, 512.0),
}
"""Instructions per inference that a byte of flash and one of RAM are worth."""


def weighed(cost: Cost, optimize: Optimize) -> float:
    """One number to compare kernels by."""
    flash, ram = PRICES[optimize]
    return cost.cycles + flash * cost.flash + ram * cost.ram


def candidates(support: Support, graph: Graph, op: Op, target: Target) -> list[Kernel]:
    """The kernels that can run an op on a core."""
    return [k for k in support.kernels if k.applies(graph, op, target)]


def tensors(graph: Graph, op: Op) -> tuple[list[Tensor | None], list[Tensor]]:
    """Inputs (None where absent) and outputs of an op."""
    inputs = [graph.tensors[i] if i >= 0 else None for i in op.inputs]
    return inputs, [graph.tensors[i] for i in op.outputs]


@dataclass(frozen=True)
class Initializer:
    """A C struct initialiser, written with its fields' names.

    Attributes:
        ctype: the struct's type in kernels.h.
        fields: name -> number, symbol or nested dict.
    """

    ctype: str
    fields: dict[str, Any] = field(default_factory=dict)

    def declare(self, name: str = "params") -> str:
        """`static const <ctype> <name> = {...};`"""
        return f"static const {self.ctype} {name} = {braces(self.fields)};"


def braces(value: Any, indent: int = 0) -> str:
    """A designated initialiser; nested dicts with numbers only stay on one line."""
    if isinstance(value, dict):
        simple = all(not isinstance(v, dict) for v in value.values())
        if simple and indent:
            return "{" + ", ".join(f".{k} = {braces(v, 1)}" for k, v in value.items()) + "}"
        pad = "    " * (indent + 1)
        rows = "".join(f"{pad}.{k} = {braces(v, indent + 1)},\n" for k, v in value.items())
        return "{\n" + rows + "    " * indent + "}"
    if isinstance(value, list | tuple):
        return "{" + ", ".join(braces(v, 1) for v in value) + "}"
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, int | np.integer):
        return integer(int(value))
    return str(value)


def integer(value: int) -> str:
    """A C integer constant; the lowest int32 has no literal of its own."""
    return "INT32_MIN" if value == -(1 << 31) else str(value)
