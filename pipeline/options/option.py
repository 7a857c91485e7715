"""One option: its default, its flags, what it means, what it may be. Said once, here used by all.

A group is a frozen dataclass whose fields are made by `option`; one that is only a base of
others has neither eq nor repr, which take time to make at every start. The command line, the
signature of `deploy`, its docstring and docs/options.md are made from these fields.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pipeline.errors import WrongUse

T = TypeVar("T")
P = TypeVar("P", bound="Group")
_KEY = "option"


@dataclass(frozen=True)
class Option:
    """What is known of an option beside its name, type and default.

    Attributes:
        flags: on the command line, the long one first; "--x/--no-x" for one that can be
            switched off.
        help: what it means, in a line or two.
        more: what help has no room for; for Python and the docs.
        choices: the values it may have; () for any.
        least: the smallest number it may be.
        check: raises WrongUse, naming the flag, for a value without sense.
        kind: type on the command line, where the annotation leaves a choice.
    """

    flags: tuple[str, ...]
    help: str
    more: str = ""
    choices: tuple[str, ...] = ()
    least: float | None = None
    check: Callable[[Any], object] | None = None
    kind: type | None = None

    @property
    def flag(self) -> str:
        """The long flag, as errors name it."""
        return self.flags[0].partition("/")[0]

    def refuse(self, value: Any) -> None:
        """Refuses a value without sense; None is always "not given".

        Raises:
            WrongUse: names the flag and what it may be.
        """
        if value is None:
            return
        if self.choices and value not in self.choices:
            raise WrongUse(f"{value!r} is not known", where=self.flag, hint=", ".join(self.choices))
        number = isinstance(value, int | float)
        if self.least is not None and not (number and value >= self.least):
            raise WrongUse(f"{value!r} is too small", where=self.flag, hint=f"{self.least} or more")
        if self.check is not None:
            self.check(value)


def option(
    default: T,
    *flags: str,
    help: str,
    more: str = "",
    choices: tuple[str, ...] = (),
    least: float | None = None,
    check: Callable[[Any], object] | None = None,
    kind: type | None = None,
) -> T:
    """A field of a group; arguments as the attributes of `Option`."""
    found = Option(flags, help, more, choices, least, check, kind)
    made: T = field(default=default, metadata={_KEY: found})
    return made


@dataclass(frozen=True, eq=False, repr=False)
class Group:
    """Options that belong together."""

    def check(self) -> None:
        """Refuses values without sense, each for itself.

        Raises:
            WrongUse: names the option's flag.
        """
        for name, found in options_of(type(self)).items():
            found.refuse(getattr(self, name))

    def of(self, group: type[P]) -> P:
        """The values of one group of these options."""
        return group(**{f.name: getattr(self, f.name) for f in fields(group)})

    def to_json(self) -> dict[str, Any]:
        """All values, for a worker process."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}

    def given(self) -> dict[str, Any]:
        """Those that are not as by default."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {f.name: values[f.name] for f in fields(self) if values[f.name] != f.default}


def options_of(group: type[Group]) -> dict[str, Option]:
    """Name -> option, in the order of help and docs."""
    return {f.name: f.metadata[_KEY] for f in fields(group) if _KEY in f.metadata}


def field_of(group: type[Group], name: str) -> Field[Any]:
    """The dataclass field of an option."""
    return next(f for f in fields(group) if f.name == name)


def kind_of(group: type[Group], name: str) -> tuple[type, bool]:
    """What the command line reads an option as, and whether None stands for "not given"."""
    hashed: Any = group  # mypy takes a class for its instances here
    hint = _hints(hashed)[name]
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds = [kind for kind in members if kind is not type(None)]
    chosen = options_of(group)[name].kind or (str if str in kinds else kinds[0])
    return chosen, type(None) in members


@cache
def _hints(group: Any) -> dict[str, Any]:
    return get_type_hints(group)


def refuse_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuses names that are no options.

    Raises:
        WrongUse: says which name, and those that are near.
    """
    names = sorted(known)
    for name in given:
        if name in names:
            continue
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}"
        raise WrongUse(f"there is no option {name!r}", where=where, hint=hint)
