"""What PlatformIO knows of a board: read from an installed platform, a file, or its registry."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import scratch
from pipeline.errors import StepFailed, WrongUse

REGISTRY_SECONDS = 60.0


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


def look_up(pio_id: str) -> Manifest:
    """The manifest of an installed platform, else what the registry says.

    Raises:
        WrongUse: PlatformIO has no such board, or its file is damaged.
        StepFailed: it is not installed, and the registry can't be reached.
    """
    for core in _core_dirs():
        for path in sorted(core.glob(f"platforms/*/boards/{pio_id}.json")):
            if (path.parents[1] / "platform.json").is_file():
                return manifest_file(pio_id, path)
    return _from_registry(pio_id)


def _core_dirs() -> tuple[Path, ...]:
    from pipeline.build import default_core_dir

    own = os.environ.get("PLATFORMIO_CORE_DIR") or "~/.platformio"
    return default_core_dir(), Path(own).expanduser()


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
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongUse(f"can't be read: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise WrongUse(f"is not valid JSON: {error}", where=str(path)) from error
    if not isinstance(values, dict):
        raise WrongUse("has to be a JSON object", where=str(path))
    return values


def _from_registry(pio_id: str) -> Manifest:
    from pipeline.build import default_core_dir, setup_core
    from pipeline.build.pio import PioTimeout, run_pio
    from pipeline.render import offline

    where = "PlatformIO's registry"
    hint = f"`pio pkg install -g -p PLATFORM` where there is a network, or --manifest {pio_id}.json"
    if offline():
        raise StepFailed(
            f"no installed platform has {pio_id}, and the registry can't be reached",
            where=where,
            hint=hint,
        )
    core = setup_core(default_core_dir())
    words = ["boards", "--json-output", pio_id]
    try:
        with scratch.folder("manifest") as empty:
            code, said = run_pio(
                words, cwd=empty, core=core, seconds=REGISTRY_SECONDS, tick=lambda _: None
            )
    except PioTimeout as error:
        raise StepFailed(f"`pio boards` {error}", where=where, hint=hint) from error
    try:
        if code != 0:
            raise ValueError
        # A warning may stand before the document, which is one line.
        rows = json.loads(next(line for line in said.splitlines() if line.startswith("[")))
    except (ValueError, StopIteration) as error:
        last = " | ".join(said.strip().splitlines()[-3:]) or "nothing"
        raise StepFailed(f"`pio boards` failed; it said: {last}", where=where, hint=hint) from error
    known = [row for row in rows if isinstance(row, dict)]
    for row in known:
        if row.get("id") == pio_id:
            return _from_row(pio_id, row, where)
    near = ", ".join(str(row.get("id")) for row in known[:5])
    raise WrongUse(
        f"PlatformIO has no board {pio_id!r}",
        hint=f"did you mean {near}?" if near else "`pio boards` lists all",
    )


def _from_row(pio_id: str, row: dict[str, Any], where: str) -> Manifest:
    """The registry's short form, brought into the manifest's."""
    debug = row.get("debug")
    tools = debug.get("tools") if isinstance(debug, dict) else None
    values = {
        "name": row.get("name"),
        "url": row.get("url"),
        "frameworks": row.get("frameworks"),
        "build": {"mcu": str(row.get("mcu", "")).lower(), "f_cpu": row.get("fcpu")},
        "upload": {"maximum_ram_size": row.get("ram"), "maximum_size": row.get("rom")},
        "debug": {"tools": tools if isinstance(tools, dict) else {}},
    }
    return Manifest(pio_id, str(row.get("platform") or ""), values, where)
