"""network.json, the pipeline's own note in a .keras archive: read as if a stranger wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError
from pipeline.load.archive import Archive
from pipeline.load.compression import Compression
from pipeline.load.formats import KERAS2, KERAS2_H5, KERAS3, KERAS3_H5, SAVEDMODEL
from pipeline.load.names import identifier

RECORD = "network.json"
_FORMATS = (KERAS3, KERAS3_H5, KERAS2, KERAS2_H5, SAVEDMODEL)
_LOSS = 1e300
_MOST = 1 << 53  # integers that JSON keeps
# What `load_model` lets pass; a record can't claim more.
_CHECK_LIMIT = 1e-5


def read_record(path: Path) -> dict[str, Any] | None:
    """Return what `save_network` noted in the file, or None for a file of someone else's.

    Nothing in it is believed: types, ranges and words are those that `save_network` writes.

    Raises:
        ModelError: the note is not of that form; the field is named.
    """
    with Archive(path) as archive:
        if RECORD not in archive.members:
            return None
        fields = archive.json(RECORD)
    read = _Fields(fields, f"{path.name}, {RECORD}")
    done = fields.get("compression")
    record: dict[str, Any] = {
        "name": identifier(read.text("name")),
        "source": read.text("source"),
        "sha256": read.matching("sha256", r"([0-9a-f]{64})?"),
        "source_format": read.one_of("source_format", _FORMATS),
        "check": read.number("check", 0.0, _CHECK_LIMIT),
        "compression": None if done is None else _compression(done, f"{path.name}, {RECORD}"),
    }
    read.no_others(set(record))
    return record


def _compression(fields: Any, where: str) -> Compression:
    read = _Fields(fields, f"{where}, compression")
    parameters = read.items("parameters", lambda v, _: _whole(v), 2)
    if len(parameters) != 2:
        read.refuse("parameters")
    made = Compression(
        method=read.text("method"),
        sparsity=read.number("sparsity", 0.0, 1.0),
        layers=read.table("layers", lambda v: _within(v, 0.0, 1.0)),
        neurons_removed=read.table("neurons_removed", _whole),
        frozen=read.table("frozen", _is_text),
        parameters=(parameters[0], parameters[1]),
        float_accuracy=read.optional("float_accuracy", 0.0, 1.0),
        pruned_accuracy=read.optional("pruned_accuracy", 0.0, 1.0),
        float_loss=read.optional("float_loss", -_LOSS, _LOSS),
        pruned_loss=read.optional("pruned_loss", -_LOSS, _LOSS),
        epochs=read.whole("epochs"),
        seconds=read.number("seconds", 0.0, 1e9),
        notes=tuple(read.items("notes", lambda v, _: _is_text(v), 1000)),
    )
    read.no_others(set(vars(made)))
    return made


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 4000 and value.isprintable()


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def _within(value: Any, low: float, high: float) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and low <= value <= high  # false for NaN


class _Fields:
    """The fields of a JSON object, each asked for by what it must be."""

    def __init__(self, fields: Any, where: str) -> None:
        if not isinstance(fields, dict):
            raise ModelError("the note is no JSON object", where=where)
        self._fields, self._where = fields, where

    def refuse(self, key: str) -> None:
        raise ModelError(
            f"{key} is not what this package writes",
            where=self._where,
            hint="the file was changed by something else; read the network it was made from",
        )

    def _get(self, key: str, right: Callable[[Any], bool]) -> Any:
        if key not in self._fields or not right(self._fields[key]):
            self.refuse(key)
        return self._fields[key]

    def text(self, key: str) -> str:
        return str(self._get(key, _is_text))

    def matching(self, key: str, pattern: str) -> str:
        return str(self._get(key, lambda v: _is_text(v) and re.fullmatch(pattern, v) is not None))

    def one_of(self, key: str, words: tuple[str, ...]) -> str:
        return str(self._get(key, lambda v: v in words))

    def number(self, key: str, low: float, high: float) -> float:
        return float(self._get(key, lambda v: _within(v, low, high)))

    def optional(self, key: str, low: float, high: float) -> float | None:
        found = self._get(key, lambda v: v is None or _within(v, low, high))
        return None if found is None else float(found)

    def whole(self, key: str) -> int:
        return int(self._get(key, _whole))

    def items(self, key: str, right: Callable[[Any, int], bool], most: int) -> list[Any]:
        def fits(value: Any) -> bool:
            return (
                isinstance(value, list)
                and len(value) <= most
                and all(right(item, i) for i, item in enumerate(value))
            )

        return list(self._get(key, fits))

    def table(self, key: str, right: Callable[[Any], bool]) -> dict[str, Any]:
        def fits(value: Any) -> bool:
            return (
                isinstance(value, dict)
                and len(value) <= 100_000
                and all(_is_text(k) and right(v) for k, v in value.items())
            )

        return dict(self._get(key, fits))

    def no_others(self, known: set[str]) -> None:
        for key in self._fields:
            if key not in known:
                self.refuse(key if _is_text(key) else "a field")
