"""The run folder: artifacts, what they were made from, and the manifest.

A step is run again only when its inputs changed. `steps.json` holds, per step, a digest of
its inputs and the SHA-256 of every file it wrote; `manifest.json`, written last, holds the
sums of all artifacts. What is not in `manifest.json` was not finished.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pipeline import scratch
from pipeline.errors import WrongUse

T = TypeVar("T")

STEPS = ("prune", "quantize", "convert", "render", "build", "flash", "measure", "report")
# A step beside the chain: it needs a flashed board, and nothing needs it.
MLPERF = "mlperf"
_STEPS_FILE = "steps.json"
_MANIFEST = "manifest.json"


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def write_atomically(path: Path, content: bytes | str) -> None:
    """Writes to a temporary name beside `path` and moves it into place."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = scratch.file_beside(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, document: object) -> None:
    """Writes a document with sorted keys, so that the same content gives the same bytes."""
    write_atomically(path, json.dumps(document, indent=2, sort_keys=True) + "\n")


def digest(*parts: object) -> str:
    """A digest of JSON-able values, for `Run.step`'s key."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


class Run:
    """One run folder.

    Args:
        path: the folder; made where it is absent.

    Raises:
        WrongUse: the folder holds files that no run wrote.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and not path.is_dir():
            raise WrongUse("the run folder is a file", where=str(path), hint="name a folder")
        self._steps: dict[str, dict[str, Any]] = {}
        record = path / _STEPS_FILE
        if record.is_file():
            try:
                self._steps = json.loads(record.read_text())
            except ValueError:
                self._steps = {}
        elif path.is_dir() and any(path.iterdir()):
            raise WrongUse(
                "the folder is not empty and is no run folder",
                where=str(path),
                hint="name a new folder with --out, or empty this one",
            )

    def step(
        self,
        name: str,
        key: str,
        outputs: Sequence[str],
        make: Callable[[Path], T],
        load: Callable[[Path], T],
    ) -> T:
        """Runs a step, or takes what it made before.

        Args:
            name: one of STEPS, or MLPERF.
            key: digest of all inputs and options.
            outputs: files and folders, relative to the run folder, that `make` leaves; it
                may still add to the list.
            make: does the work and writes `outputs` into the folder it is given.
            load: reads the outputs back.
        """
        known = self._steps.get(name)
        if known and known["key"] == key and self._intact(known["files"]):
            return load(self.path)
        self.forget_from(name)
        value = self._made(make)
        self._steps[name] = {"key": key, "files": self._sums(outputs)}
        write_json(self.path / _STEPS_FILE, self._steps)
        return value

    def _made(self, make: Callable[[Path], T]) -> T:
        made_now = [p for p in (self.path, *self.path.parents) if not p.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            return make(self.path)
        except BaseException:
            # A run whose first step fails leaves no empty folders behind.
            with contextlib.suppress(OSError):
                for folder in made_now:
                    folder.rmdir()
            raise

    def forget_from(self, name: str) -> None:
        """Drops this step's record and those after it: they were made from older inputs."""
        if not self._steps:
            return
        (self.path / _MANIFEST).unlink(missing_ok=True)
        for later in _from(name):
            if (record := self._steps.pop(later, None)) is not None:
                for file in record["files"]:
                    if not file.startswith("project/"):
                        (self.path / file).unlink(missing_ok=True)
        write_json(self.path / _STEPS_FILE, self._steps)

    def finish(self) -> dict[str, str]:
        """Writes manifest.json; returns path -> SHA-256 of all artifacts."""
        sums = {file: sha for step in self._steps.values() for file, sha in step["files"].items()}
        write_json(self.path / _MANIFEST, {"artifacts": sums})
        return sums

    def artifacts_before(self, name: str) -> dict[str, str]:
        """Path -> SHA-256 of what the steps before `name` have written."""
        earlier = STEPS[: STEPS.index(name)]
        return {
            file: sha
            for step in earlier
            for file, sha in self._steps.get(step, {"files": {}})["files"].items()
        }

    def _intact(self, files: dict[str, str]) -> bool:
        return all(
            (self.path / file).is_file() and sha256_file(self.path / file) == sha
            for file, sha in files.items()
        )

    def _sums(self, outputs: Sequence[str]) -> dict[str, str]:
        files = sorted(file for name in outputs for file in _files(self.path / name))
        return {str(file.relative_to(self.path)): sha256_file(file) for file in files}


def _from(name: str) -> tuple[str, ...]:
    """A step and those that build on it."""
    if name == MLPERF:
        return (MLPERF,)
    later = STEPS[STEPS.index(name) :]
    return (*later, MLPERF) if "flash" in later else later


def file_sums(path: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of all files below `path`, PlatformIO's builds left out."""
    return {str(file.relative_to(path)): sha256_file(file) for file in sorted(_files(path))}


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        for child in path.iterdir():
            # PlatformIO's build folder is its own; what counts is copied out of it.
            if child.name != ".pio":
                yield from _files(child)


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = scratch.folder_beside(path)
    try:
        yield temporary
        temporary.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
