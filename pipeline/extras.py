"""The extras: what an installation may lack, and the command that brings it.

`pip install mcu-pipeline` takes a .tflite to a measured board. Whoever wants more of it is
told here, in one way, what to install. Nothing of an extra is imported at module level.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from pipeline.errors import ToolMissing

# Extra of pyproject.toml -> the modules it brings.
EXTRAS = {
    "keras": ("tensorflow", "tf_keras", "keras", "tensorflow_model_optimization", "h5py"),
    "search": ("optuna",),
    "digits": ("sklearn",),
    "labgrid": ("labgrid",),
    "postgres": ("psycopg",),
    "ppk2": ("ppk2_api",),
    "joulescope": ("joulescope",),
}


def install_command(extra: str) -> str:
    """What a person types to get an extra."""
    return f"pip install 'mcu-pipeline[{extra}]'"


def missing(extra: str, what: str, *, where: str = "", instead: str = "") -> ToolMissing:
    """The error of an extra that is not installed.

    Args:
        extra: a key of EXTRAS.
        what: one sentence: what can't be done.
        where: the file or option that wanted it.
        instead: what goes without it ("" where nothing does).
    """
    assert extra in EXTRAS
    hint = install_command(extra) + (f"; {instead}" if instead else "")
    return ToolMissing(what, where=where, hint=hint)


def require(extra: str, what: str, *, where: str = "", instead: str = "") -> None:
    """Looks whether an extra is there, without importing it: before any work is done.

    Raises:
        ToolMissing: one of its modules is not installed.
    """
    if any(importlib.util.find_spec(module) is None for module in EXTRAS[extra]):
        raise missing(extra, what, where=where, instead=instead)


def extra_of(module: str) -> str:
    """The extra that brings a module; "" where the core or nobody does."""
    top = module.partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), "")


def load(module: str, *, where: str = "", instead: str = "") -> Any:
    """Imports a module of an extra.

    Raises:
        ToolMissing: it can't be imported; the hint installs its extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        what = f"{module} can not be imported ({error})"
        raise missing(extra_of(module), what, where=where, instead=instead) from error
