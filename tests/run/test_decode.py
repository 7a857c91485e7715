"""JSON -> our values: each type is checked, nothing unknown gets through."""

from __future__ import annotations

import json
import os
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from pipeline.errors import WrongUse
from pipeline.run import Damaged, check_limits, decode, parse_json, read_json, read_limited


@dataclass(frozen=True)
class Part:
    size: int
    share: float | None = None


@dataclass(frozen=True)
class Whole:
    on: Literal["a", "b"]
    parts: tuple[Part, ...]
    names: dict[str, str]
    flag: bool = False
    either: int | str | None = None


GOOD: dict[str, Any] = {"on": "a", "parts": [{"size": 1, "share": 0.5}], "names": {"k": "v"}}


def test_a_document_becomes_a_value() -> None:
    assert decode(Whole, GOOD) == Whole("a", (Part(1, 0.5),), {"k": "v"})
    assert decode(Whole, {**GOOD, "either": "x"}).either == "x"
    assert decode(Whole, {**GOOD, "either": None}).either is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"on": "c"}, "on is 'c'"),
        ({"on": ["a"]}, "on is list"),
        ({"parts": {}}, "parts is dict; it has to be a list"),
        ({"parts": [{"size": True}]}, r"parts\[0\].size is True"),
        ({"parts": [{"size": 1.0}]}, "whole number"),
        ({"parts": [{"size": 2**53 + 1}]}, "whole number"),
        ({"parts": [{"size": 1, "share": "1"}]}, "a number"),
        ({"parts": [{"size": 1, "share": 1e200}]}, "a number"),
        ({"parts": [{}]}, r"parts\[0\].size is missing"),
        ({"parts": [{"size": 1, "sise": 1}]}, "sise is not known"),
        ({"names": {"k": 1}}, "names.k is int"),
        ({"names": {"k": "\ud800"}}, "no Unicode"),
        ({"names": {"k": "x" * 70_000}}, "70000 characters"),
        ({"flag": 1}, "true or false"),
        ({"either": 1.5}, "either is 1.5"),
    ],
)
def test_a_wrong_place_is_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(Damaged, match=says):
        decode(Whole, {**GOOD, **change})


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 200_000, b"9" * 9_999, b"{'a': 1}"])
def test_no_json(text: bytes) -> None:
    with pytest.raises(Damaged):
        parse_json(text)


def test_limits_of_any_document() -> None:
    check_limits({"a": [1, "x", None, True, 0.5]})
    for bad in ([2**60], [float("nan")], [float("inf")], ["\udc00"], {"\udc00": 1}):
        with pytest.raises(Damaged):
            check_limits(bad)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "file").write_text(json.dumps(GOOD))
    assert read_json(tmp_path / "link", follow=True) == GOOD
    for name in ("fifo", "link", "."):
        with pytest.raises(WrongUse, match="is not read"):
            read_limited(tmp_path / name, follow=False)
    with pytest.raises(WrongUse, match="larger than 3 bytes"):
        read_limited(tmp_path / "file", 3)
    with pytest.raises(WrongUse, match="a device"):
        read_limited(Path("/dev/zero"))


def test_a_limit_is_not_what_is_allocated(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 3000)
    tracemalloc.start()
    try:
        assert len(read_limited(tmp_path / "file", 1 << 31)) == 3000
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
