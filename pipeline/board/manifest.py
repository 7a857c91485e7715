"""What PlatformIO knows of a board, in the form of its platforms' manifests."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import WrongUse
from pipeline.run.inside import read_limited


@dataclass(frozen=True)
class Manifest:
    """What PlatformIO knows of a board.

    Attributes:
        id: PlatformIO's id.
        platform: its platform, with the version where that is known.
        values: the manifest, in the form of the platforms' boards/<id>.json.
        origin: where it was read, for messages and for board.toml's sources.
    """

    id: str
    platform: str
    values: dict[str, Any]
    origin: str

    def fail(self, field: str, what: str) -> WrongUse:
        """The error of a field that is missing or no good."""
        return WrongUse(f"{field}: {what}", where=self.origin, hint="is it PlatformIO's manifest?")

    def get(self, dotted: str) -> Any:
        """The value of "upload.maximum_size", or None."""
        value: Any = self.values
        for key in dotted.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def text(self, dotted: str) -> str:
        """The text of a field, in one line; "" where there is none."""
        value = self.get(dotted)
        if value is not None and not isinstance(value, str):
            raise self.fail(dotted, f"is {value!r}; it has to be text")
        return " ".join("".join(c if c.isprintable() else " " for c in value or "").split())

    def texts(self, dotted: str) -> tuple[str, ...]:
        """The texts of a list."""
        value = self.get(dotted) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fail(dotted, f"is {value!r}; it has to be a list of texts")
        return tuple(value)

    def number(self, dotted: str) -> int:
        """A positive number, also of the form "84000000L"."""
        value = self.get(dotted)
        digits = re.fullmatch(r"(\d{1,12})U?L*", str(value))
        if isinstance(value, bool) or digits is None or int(digits[1]) == 0:
            raise self.fail(dotted, f"is {value!r}; it has to be a number above 0")
        return int(digits[1])


def manifest_file(pio_id: str, path: Path) -> Manifest:
    """The manifest in a file; a platform it lies in is named with its version.

    Raises:
        WrongUse: it can't be read, or is no JSON object.
    """
    values = _json(path)
    platform = values.get("platform")
    beside = path.absolute().parent.parent / "platform.json"
    if path.parent.name == "boards" and beside.is_file():
        facts = _json(beside)
        platform = f"{facts.get('name', '')}@~{facts.get('version', '')}"
    return Manifest(pio_id, platform if isinstance(platform, str) else "", values, str(path))


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(read_limited(path).decode("utf-8"))
    except OSError as error:
        raise WrongUse(f"can't be read: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise WrongUse(f"is not valid JSON: {error}", where=str(path)) from error
    if not isinstance(values, dict):
        raise WrongUse("has to be a JSON object", where=str(path))
    return values
