"""JSON of a file -> frozen values of ours, checked field by field against their types.

The one reader of artifacts: nothing that another module gets from it is of another type than its
dataclass says, longer than the limits here, or unknown.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pipeline.errors import WrongUse
from pipeline.run.inside import MOST_BYTES, read_limited

T = TypeVar("T")

# Whole numbers are counts, bytes and ticks: all of them are exact in a float too.
MOST_INTEGER = 2**53
# Figures are shares, seconds and joules.
MOST_NUMBER = 1e100
MOST_TEXT = 1 << 16


class Damaged(ValueError):
    """A document that is not what it has to be; the text names the place in it."""


def parse_json(text: bytes | str) -> Any:
    """A JSON document.

    Raises:
        Damaged: it is none, or one that no reader could hold.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise Damaged("is nested too deeply") from error
    except ValueError as error:  # no JSON, no UTF-8, a number of thousands of digits
        raise Damaged(f"is no JSON: {error}") from error


def read_json(path: Path, *, most: int = MOST_BYTES, follow: bool = False) -> Any:
    """The JSON document in a file.

    Args:
        most: bytes it may take.
        follow: a link will do: where a person named the file.

    Raises:
        Damaged: it is no JSON.
        WrongUse: it is no regular file, or too large.
        OSError: it can't be read.
    """
    return parse_json(read_limited(path, most, follow=follow))


def read_as(kind: type[T], path: Path, step: str, **given: Any) -> T:
    """A JSON artifact of a folder.

    Args:
        kind: the dataclass it holds.
        step: the command that writes it, for the hint.
        given: fields that the document does not decide.

    Raises:
        WrongUse: it is missing, damaged, or no such artifact.
    """
    try:
        found: T = decode(kind, read_json(path), given=given)
        return found
    except (Damaged, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise WrongUse(
            f"is damaged: {reason}", where=str(path), hint=f"`mcu {step}` writes it anew"
        ) from error


def decode(kind: Any, value: Any, at: str = "", *, given: Mapping[str, Any] = {}) -> Any:
    """A value of type `kind` from its JSON form.

    Args:
        kind: a dataclass, int, float, str, bool, None, Literal, tuple[X, ...], list[X],
            dict[str, X], or a union of these.
        at: place in the document, for the message.
        given: fields of the dataclass that are taken from here, whatever the document says.

    Raises:
        Damaged: another type, an unknown or missing field, a number or text beyond the limits.
    """
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, at, given)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), value, at)
    if origin is Literal:
        if any(value == known and type(value) is type(known) for known in get_args(kind)):
            return value
        raise _wrong(at, value, "one of " + ", ".join(map(repr, get_args(kind))))
    if origin in (tuple, list):
        item = get_args(kind)[0]
        if not isinstance(value, list):
            raise _wrong(at, value, "a list")
        return origin(decode(item, one, f"{at}[{n}]") for n, one in enumerate(value))
    if origin is dict:
        return _table(get_args(kind)[1], value, at)
    return _scalar(kind, value, at)


def check_limits(value: Any, at: str = "") -> None:
    """Refuses what a schema lets pass and no reader could use: see the limits above.

    Raises:
        Damaged: a number or text beyond them, NaN among the numbers.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            _text(key, at)
            check_limits(item, _dotted(at, key))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            check_limits(item, f"{at}[{n}]")
    elif isinstance(value, str):
        _text(value, at)
    elif isinstance(value, bool) or value is None:
        return
    elif math.isnan(_number(value, at)):
        raise _wrong(at, value, "a number")


def _record(kind: Any, value: Any, at: str, given: Mapping[str, Any]) -> Any:
    if not isinstance(value, dict):
        raise _wrong(at, value, "an object")
    fields = _fields(kind)
    unknown = [name for name in value if name not in fields]
    if unknown:
        raise Damaged(f"{_dotted(at, unknown[0])} is not known")
    found = dict(given)
    for name, (hint, needed) in fields.items():
        if name in found:
            continue
        if name in value:
            found[name] = decode(hint, value[name], _dotted(at, name))
        elif needed:
            raise Damaged(f"{_dotted(at, name)} is missing")
    try:
        return kind(**found)
    except ValueError as error:  # what the dataclass itself refuses
        raise Damaged(f"{at or 'it'}: {error}") from error


@cache
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    hints = typing.get_type_hints(kind)
    nothing = dataclasses.MISSING
    return {
        f.name: (hints[f.name], f.default is nothing and f.default_factory is nothing)
        for f in dataclasses.fields(kind)
    }


def _one_of(kinds: tuple[Any, ...], value: Any, at: str) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    others = [kind for kind in kinds if kind is not types.NoneType]
    for kind in others:
        try:
            return decode(kind, value, at)
        except Damaged:
            if kind is others[-1]:
                raise
    raise _wrong(at, value, "nothing")


def _table(kind: Any, value: Any, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(at, value, "an object")
    return {
        _scalar(str, key, at): decode(kind, item, _dotted(at, key)) for key, item in value.items()
    }


def _scalar(kind: Any, value: Any, at: str) -> Any:
    if kind is types.NoneType or kind is None:
        if value is None:
            return None
        raise _wrong(at, value, "null")
    if kind is bool:
        if isinstance(value, bool):
            return value
        raise _wrong(at, value, "true or false")
    if kind is int:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_INTEGER:
            return value
        raise _wrong(at, value, "a whole number")
    if kind is float:
        return _number(value, at)
    if kind is str:
        return _text(value, at)
    raise TypeError(f"{kind} can't be read from JSON")  # a bug of ours, not of the file


def _number(value: Any, at: str) -> float:
    """A float; what no figure can be is refused, NaN is a figure that could not be had."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_INTEGER:
        return value
    if isinstance(value, float) and (math.isnan(value) or abs(value) <= MOST_NUMBER):
        return value
    raise _wrong(at, value, "a number")


def _text(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise _wrong(at, value, "text")
    if len(value) > MOST_TEXT:
        raise Damaged(f"{at or 'it'} is a text of {len(value)} characters")
    if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        raise Damaged(f"{at or 'it'} is no Unicode text")
    return value


def _dotted(at: str, name: str) -> str:
    name = name[:60]
    return f"{at}.{name}" if at else name


def _wrong(at: str, value: Any, wanted: str) -> Damaged:
    shown = repr(value) if isinstance(value, str | float | bool | None) else type(value).__name__
    return Damaged(f"{at or 'it'} is {shown[:60]}; it has to be {wanted}")
