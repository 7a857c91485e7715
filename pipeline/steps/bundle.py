"""An archive for a bug report: what a maintainer asks first, and nothing about the person.

What goes in is listed here, one by one; no file is taken because it lies somewhere. Of the
environment only names go in, and texts lose the paths and names that tell who wrote them.
"""

from __future__ import annotations

import getpass
import io
import json
import os
import platform
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import distribution, version
from pathlib import Path

from pipeline.errors import WrongUse
from pipeline.flash.check import Check
from pipeline.resources import FIRMWARE, VERSION
from pipeline.run import write_atomically

# Variables that change what this package does: which of them are set, never to what.
_VARIABLES = re.compile(
    r"(MCU|PLATFORMIO|TF|KERAS|CUDA|PYTHON|OMP|RENODE)(_|$)|PATH$|C_INCLUDE_PATH|^(TMPDIR|CI|LANG)$"
)
# Records of a run folder: figures, digests and settings; no model, no data, no firmware.
_RECORDS = (
    "report.json", "steps.json", "manifest.json", "model.json", "image.json", "program.json",
    "device.json", "measurement.json", "project/platformio.ini",
)  # fmt: skip
_MOST_BYTES = 1 << 20
_SHORTEST_NAME = 3


def write_bundle(file: Path, checks: Iterable[Check], run: Path | None = None) -> dict[str, int]:
    """Writes the archive; gives what is inside: name and bytes.

    Args:
        file: a .zip.
        checks: what `mcu doctor` found.
        run: a run folder whose records go in too.

    Raises:
        WrongUse: the name is no .zip, or there is no such run folder.
    """
    if file.suffix != ".zip":
        raise WrongUse("the bundle is a .zip", where=str(file), hint="--bundle report.zip")
    if run is not None and not (run / "steps.json").is_file():
        raise WrongUse("is no run folder", where=str(run), hint="the folder that --out named")
    parts = {
        "system.json": _json(_system()),
        "doctor.json": _json([asdict(check) for check in checks]),
        "packages.txt": _packages(),
    }
    for name in _RECORDS if run is not None else ():
        assert run is not None
        path = run / name
        if path.is_file() and path.stat().st_size <= _MOST_BYTES:
            parts[f"run/{name}"] = path.read_text(encoding="utf-8", errors="replace")
    content = io.BytesIO()
    clean = {name: sanitised(text) for name, text in parts.items()}
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in clean.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    write_atomically(file, content.getvalue())
    return {name: len(text.encode()) for name, text in clean.items()}


def _json(document: object) -> str:
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _system() -> dict[str, object]:
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    return {
        "mcu": VERSION,
        "from": "a checkout" if (FIRMWARE.parent / "pyproject.toml").is_file() else "a package",
        "python": sys.version.split()[0],
        "system": platform.system(),
        "release": release.get("PRETTY_NAME", platform.release()),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "terminal": sys.stderr is not None and sys.stderr.isatty(),
        "variables": sorted(name for name in os.environ if _VARIABLES.search(name)),
    }


def _packages() -> str:
    """Versions of what this package depends on: not of all that is installed."""
    wanted = distribution("mcu-pipeline").requires or ()
    names = {re.split(r"[\[<>=;~! ]", text)[0] for text in wanted}
    found = []
    for name in sorted(names - {"mcu-pipeline"}):
        try:
            found.append(f"{name} {version(name)}")
        except ModuleNotFoundError:
            found.append(f"{name} not installed")
    return "\n".join(found) + "\n"


def sanitised(text: str) -> str:
    """The text without home folders, user and host names, and passwords of URLs.

    Folders that only this machine has are shortened too: the working folder to "<here>", that
    of temporary files to "<tmp>", the package's own.
    """
    places = [
        (str(Path.cwd()), "<here>"),
        (str(FIRMWARE.parent), "<package>"),
        (sys.prefix, "<environment>"),
        (tempfile.gettempdir(), "<tmp>"),
        (os.path.expanduser("~"), "~"),  # noqa: PTH111  (pathlib fails where there is no home)
    ]
    places += [(os.path.realpath(place), word) for place, word in places]
    for place, word in sorted(places, key=lambda item: -len(item[0])):
        if len(place) > 1:
            for form in (json.dumps(place)[1:-1], place):
                text = re.sub(re.escape(form) + r"(?![\w.-])", word, text)
    text = re.sub(r"(?<![\w.-])(/home|/Users|\\Users)([/\\]+)[^/\\\"\s:]+", r"\1\2<user>", text)
    for name, word in ((_user(), "<user>"), (platform.node(), "<host>")):
        for form in (name, name.partition(".")[0]):  # the longer one first
            if len(form) >= _SHORTEST_NAME:
                text = re.sub(rf"(?<![\w]){re.escape(form)}(?![\w])", word, text)
    return re.sub(r"(\w+://)[^/@\s\"]+@", r"\1<user>@", text)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an unknown user id, as in a container
        return ""
