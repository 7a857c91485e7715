"""Figures of another program, read from CSV, to be shown beside ours."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import WrongUse
from pipeline.run import require_file

_NEEDED = ("model", "core", "instructions_per_inference")
_MOST = 2**53
_FLASH = ("code_flash_bytes", "model_bytes")


@dataclass(frozen=True)
class BaselineRow:
    """One row.

    Attributes:
        core: short name, "m4" for a Cortex-M4.
        kind: the columns that tell rows of one model and core apart ("cmsis_nn O2 int8").
        flash_bytes: code and model.
    """

    model: str
    core: str
    kind: str
    instructions: int
    flash_bytes: int
    arena_bytes: int

    @property
    def name(self) -> str:
        """Model, core and kind in one."""
        return f"{self.model} {self.core} {self.kind}".strip()

    def fits(self, model: str, core: str) -> bool:
        """Whether it is of this model on this core ("cortex-m4")."""
        return self.model == model and core.removeprefix("cortex-") == self.core


def read_baseline(path: Path) -> list[BaselineRow]:
    """Reads a CSV with a header line.

    The columns model, core and instructions_per_inference are needed; code_flash_bytes,
    model_bytes and arena_used_bytes are read where they are; text columns tell rows apart.

    Raises:
        WrongUse: no such file, a column is missing, or a number is none.
    """
    require_file(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WrongUse(f"can't be read as CSV: {error}", where=str(path)) from error
    missing = [name for name in _NEEDED if not rows or name not in rows[0]]
    if missing:
        raise WrongUse(
            f"has no column {', '.join(missing)}",
            where=str(path),
            hint=f"a baseline is a CSV with the columns {', '.join(_NEEDED)}",
        )
    found = []
    for line, row in enumerate(rows, start=2):
        try:
            found.append(_row(row))
        except (ValueError, TypeError, AttributeError) as error:
            raise WrongUse(f"a number is missing: {error}", where=f"{path}:{line}") from error
    return found


def _row(row: dict[str, str]) -> BaselineRow:
    kind = [v for k, v in row.items() if k not in ("model", "core") and not v.lstrip("-").isdigit()]
    return BaselineRow(
        model=row["model"],
        core=row["core"].removeprefix("cortex-"),
        kind=" ".join(kind),
        instructions=_count(row["instructions_per_inference"]),
        flash_bytes=sum(_count(row.get(name) or "0") for name in _FLASH),
        arena_bytes=_count(row.get("arena_used_bytes") or "0"),
    )


def _count(text: str) -> int:
    value = int(text)
    if not 0 <= value <= _MOST:
        raise ValueError(f"{text[:40]} is no count")
    return value
