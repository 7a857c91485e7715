"""Gates: how much worse a result may be than the one before it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import WrongUse

_PERCENT = re.compile(r"\+?(\d+(?:\.\d+)?)\s*%")
_BYTES = re.compile(r"(\+?)(\d+(?:\.\d+)?)\s*(B|KB|KIB|K|MB|MIB|M)?", re.IGNORECASE)
_POINTS = re.compile(r"(\d+(?:\.\d+)?)")
_FACTOR = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20}
# Shares and percentages are floats: a drop of exactly the limit has to pass.
_SLACK = 1e-9


@dataclass(frozen=True)
class Limit:
    """One bound.

    Attributes:
        text: as the person wrote it.
        amount: in the kind's unit.
        kind: "percent" of growth, "growth" and "total" in bytes, "points" lost of a percentage.
    """

    text: str
    amount: float
    kind: Literal["percent", "growth", "total", "points"]

    @property
    def words(self) -> str:
        """The bound in words."""
        amount = self.text.removeprefix("+").strip()
        less_or_more = {"points": " points less", "total": ""}.get(self.kind, " more")
        return f"at most {amount}{less_or_more}"

    def holds(self, before: float, after: float) -> bool:
        """Whether `after` is within the limit, seen from `before`."""
        if self.kind == "points":
            return before - after <= self.amount + _SLACK
        bound = {
            "percent": before * (1 + self.amount / 100),
            "growth": before + self.amount,
            "total": self.amount,
        }[self.kind]
        return after <= bound + _SLACK


@dataclass(frozen=True)
class Gates:
    """The bounds of a comparison; None is no bound.

    Attributes:
        slowdown: growth of the median cost of an inference.
        drop: accuracy lost on the device, in percentage points.
        flash, ram: growth, or the whole, in bytes.
        parity: every output has to equal the reference's bit for bit.
    """

    slowdown: Limit | None = None
    drop: Limit | None = None
    flash: Limit | None = None
    ram: Limit | None = None
    parity: bool = False

    @property
    def any(self) -> bool:
        """Whether there is a bound at all."""
        return self.parity or any((self.slowdown, self.drop, self.flash, self.ram))


def parse_gates(
    *,
    max_slowdown: str | None = None,
    max_drop: str | None = None,
    max_flash: str | None = None,
    max_ram: str | None = None,
    parity: bool = False,
) -> Gates:
    """Gates as written on the command line.

    Raises:
        WrongUse: a bound that says nothing, with the forms there are.
    """
    return Gates(
        slowdown=_percent("--max-slowdown", max_slowdown),
        drop=_points("--max-drop", max_drop),
        flash=_size("--max-flash", max_flash),
        ram=_size("--max-ram", max_ram),
        parity=parity,
    )


def _percent(option: str, text: str | None) -> Limit | None:
    if text is None:
        return None
    if found := _PERCENT.fullmatch(text.strip()):
        return Limit(text.strip(), float(found[1]), "percent")
    raise WrongUse(f"{text!r} is no bound", where=option, hint="a percentage such as 2%")


def _points(option: str, text: str | None) -> Limit | None:
    if text is None:
        return None
    if found := _POINTS.fullmatch(text.strip()):
        return Limit(text.strip(), float(found[1]), "points")
    raise WrongUse(
        f"{text!r} is no bound", where=option, hint="percentage points such as 0.5, without a sign"
    )


def _size(option: str, text: str | None) -> Limit | None:
    if text is None:
        return None
    plain = text.strip()
    if found := _PERCENT.fullmatch(plain):
        return Limit(plain, float(found[1]), "percent")
    if found := _BYTES.fullmatch(plain):
        amount = float(found[2]) * _FACTOR[(found[3] or "").upper()[:1].replace("B", "")]
        return Limit(plain, amount, "growth" if found[1] else "total")
    raise WrongUse(
        f"{text!r} is no bound",
        where=option,
        hint="growth such as +1KB or 2%, or a whole such as 64KB (1 KB = 1024 bytes)",
    )
