"""Check: one thing that `mcu doctor` looked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was looked for.

    Attributes:
        name: what.
        ok: it is there and usable.
        found: version, path, or what is the matter.
        hint: how to get it, "" where there is nothing to do.
    """

    name: str
    ok: bool
    found: str
    hint: str = ""
