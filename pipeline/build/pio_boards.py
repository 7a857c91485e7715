"""A board's manifest as PlatformIO has it: of an installed platform, or from its registry."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pipeline import scratch
from pipeline.board.manifest import Manifest, manifest_file
from pipeline.errors import StepFailed, WrongUse

REGISTRY_SECONDS = 60.0


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
    from pipeline.build.core import default_core_dir

    own = os.environ.get("PLATFORMIO_CORE_DIR") or "~/.platformio"
    return default_core_dir(), Path(own).expanduser()


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
