"""A function that takes options as keywords, its signature and docstring made from the fields."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from pipeline.options.option import Group, options_of, refuse_unknown

P = ParamSpec("P")
A = TypeVar("A", bound=Group)
R = TypeVar("R")
_WIDTH = 96


def spelled_out(asked: Callable[P, A]) -> Callable[[Callable[[A], R]], Callable[P, R]]:
    """Makes `work(asked)` a function of the fields of `asked`, a dataclass.

    Type checkers see the dataclass's own parameters, `help` an argument for each of its
    options in place of "{options}" in the docstring.

    Raises:
        WrongUse: (the function) there is no option of that name.
    """
    assert isinstance(asked, type)
    group: type[Group] = asked
    names = [f.name for f in fields(group)]

    def decorate(work: Callable[[A], R]) -> Callable[P, R]:
        @wraps(work)
        def call(*args: P.args, **options: P.kwargs) -> R:
            refuse_unknown(options, names, f"{work.__name__}()")
            return work(asked(*args, **options))

        returns = inspect.signature(work).return_annotation
        signature = inspect.signature(group).replace(return_annotation=returns)
        made: Any = call
        made.__signature__ = signature
        made.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        made.__doc__ = (work.__doc__ or "").replace("{options}", arguments(group).strip())
        return call

    return decorate


def arguments(group: type[Group]) -> str:
    """The options as a docstring lists them."""
    lines = []
    for name, found in options_of(group).items():
        text = f"{name}: {found.help} {found.more}".strip()
        lines.append(
            textwrap.fill(text, _WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12)
        )
    return "\n".join(lines)
