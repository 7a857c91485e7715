"""PlatformIO's core directory: isolated, prepared without its registry."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline import system
from pipeline.errors import ToolMissing
from pipeline.resources import FIRMWARE
from pipeline.run import write_atomically

_SCONS_PY = '''"""SCons as PlatformIO's tool-scons: the one installed beside PlatformIO."""

import sys

import SCons.Script

if __name__ == "__main__":
    sys.exit(SCons.Script.main())
'''

_SETTINGS = {
    "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
    "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "9999",
    "PLATFORMIO_SETTING_CHECK_PRUNE_SYSTEM_THRESHOLD": "0",
    "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
    "PLATFORMIO_DISABLE_PROGRESSBAR": "true",
    "PLATFORMIO_NO_ANSI": "true",
}


def default_core_dir() -> Path:
    """$MCU_CORE_DIR, else .platformio of the checkout, else a folder in the user's cache."""
    if named := os.environ.get("MCU_CORE_DIR"):
        return Path(named).expanduser().absolute()
    checkout = FIRMWARE.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout / ".platformio"
    return system.cache_folder() / "platformio"


def pio_environment(core_dir: Path) -> dict[str, str]:
    """The environment `pio` is started with."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PLATFORMIO_") and name not in system.COMPILER_VARIABLES
    }
    return {**environment, **_SETTINGS, "PLATFORMIO_CORE_DIR": str(core_dir)}


def setup_core(core_dir: Path | None = None) -> Path:
    """Makes the core directory ready for `pio run`; costs nothing when it is.

    PlatformIO wants its tool-scons package. SCons comes from PyPI with this package, so a
    folder that calls it satisfies PlatformIO without its registry.

    Raises:
        ToolMissing: PlatformIO or SCons is not installed.
    """
    core = core_dir or default_core_dir()
    try:
        platformio, scons = version("platformio"), version("scons")
    except PackageNotFoundError as error:
        raise ToolMissing(
            f"the Python package {error.name} is not installed",
            hint="pip install platformio==6.2.0 scons==4.11.1",
        ) from error
    wanted = _tool_scons_version(scons)
    folder = core / "packages" / "tool-scons"
    stamp = json.dumps({"python": sys.executable, "platformio": platformio, "scons": wanted})
    ready = folder / ".mcu-pipeline.json"
    if ready.is_file() and ready.read_text() == stamp:
        return core
    package = {
        "name": "tool-scons",
        "version": wanted,
        "description": "SCons from PyPI",
        "system": "*",
    }
    spec = {"owner": "platformio", "id": 8192, "name": "tool-scons", "requirements": None}
    piopm = {"type": "tool", "name": "tool-scons", "version": wanted, "spec": spec}
    _write(folder / "scons.py", _SCONS_PY)
    _write(folder / "package.json", json.dumps(package, indent=2) + "\n")
    _write(folder / ".piopm", json.dumps(piopm))
    _write(ready, stamp)
    return core


def local_platforms(core: Path) -> Path:
    """PlatformIO's folder of platforms for projects that build with the compilers on PATH.

    It holds a link to our platform, so that `pio` finds it there. Left to itself, `pio` writes that
    link anew in a folder that all checkouts share, and a build beside it finds half a file, or the
    other checkout's: "UnknownPlatform". So each checkout has a folder, and `pio` writes nothing.
    """
    platform = FIRMWARE / "platform"
    spec = {
        "owner": None,
        "id": None,
        "name": platform.name,
        "requirements": None,
        "uri": f"symlink://{platform.as_posix()}",
    }
    folder = core / "local" / hashlib.sha256(str(platform).encode()).hexdigest()[:16]
    _write(folder / f"{platform.name}.pio-link", json.dumps({"cwd": str(core), "spec": spec}))
    return folder


def _write(path: Path, text: str) -> None:
    """Nobody sees half of it; what is there already is left alone."""
    if not (path.is_file() and path.read_text() == text):
        write_atomically(path, text)


def _tool_scons_version(scons: str) -> str:
    """SCons 4.11.1 is PlatformIO's tool-scons 4.41101.0."""
    major, minor, patch = (int(part) for part in scons.split(".")[:3])
    return f"{major}.{major}{minor:02d}{patch:02d}.0"
