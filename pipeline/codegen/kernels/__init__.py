"""The kernels: a folder for each set, of the same name as in firmware/runtime.

A set is a folder here and one there. Its `choose.py` has `KERNELS`: operator -> candidates. A
kernel is a module of the same name as its C file; it says where it applies, what it costs, and
how its call is emitted. What the kernels of a set estimate with is in `cost.py`, how their
weights are stored in `pack.py`. The set's `__init__.py` has `FILES`: C files that have no
module of their own, and the module that names them.

`kernel.py` is the seam they all meet, `choice.py` takes one for each layer of a model.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from pipeline.codegen.kernels.kernel import Kernel

PORTABLE = "portable"
"""The set that every core runs and every operator has a kernel of."""


@cache
def sets() -> tuple[str, ...]:
    """The sets of kernels: the folders here, the portable one first."""
    found = sorted(module.name for module in iter_modules(__path__) if module.ispkg)
    return tuple(sorted(found, key=lambda name: name != PORTABLE))


def offered(name: str) -> dict[str, list[Kernel]]:
    """Operator -> the candidates a set has for it."""
    found: dict[str, list[Kernel]] = import_module(
        f"pipeline.codegen.kernels.{name}.choose"
    ).KERNELS
    return found
