"""The run folder: artifacts, what they were made from, and the manifest.

A step is run again only when its inputs changed. `steps.json` holds, per step, a digest of
its inputs and the SHA-256 of every file it wrote, sealed by this user's key; `manifest.json`,
written last, holds the sums of all artifacts. What is not in `manifest.json` was not finished.

The folder may have been made by somebody else. Then no record in it is sealed: steps are done
anew, and nothing that its artifacts name is followed out of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from pipeline import scratch
from pipeline.errors import WrongUse
from pipeline.oserrors import make_folder
from pipeline.run.decode import Damaged, decode, read_json
from pipeline.run.inside import has_link, inside, is_own_file, require_file
from pipeline.run.lock import locked
from pipeline.run.seal import is_sealed, seal_of

T = TypeVar("T")

STEPS = ("prune", "quantize", "convert", "render", "build", "flash", "measure", "report")
# A step beside the chain: it needs a flashed board, and nothing needs it.
MLPERF = "mlperf"
_STEPS_FILE = "steps.json"
_MANIFEST = "manifest.json"
# Names of the temporary files and folders that steps make beside their artifacts.
# The second form is that of pipeline.scratch.
_LEFTOVER = re.compile(r"(\.[A-Za-z][\w.-]*\.)([a-z0-9_]{8}|\d+-\d+-[0-9a-f]{8})")


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal.

    Raises:
        WrongUse: it is no regular file.
    """
    require_file(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def write_atomically(path: Path, content: bytes | str) -> None:
    """Writes to a temporary name beside `path` and moves it into place.

    Raises:
        OSError: with the file's name, also where the disk is full.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
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
    except OSError as error:
        # A failing write() does not know its file, and nobody knows the temporary one.
        if error.errno is not None:
            error.filename = str(path)
        raise


def write_json(path: Path, document: object) -> None:
    """Writes a document with sorted keys, so that the same content gives the same bytes."""
    write_atomically(path, json.dumps(document, indent=2, sort_keys=True) + "\n")


def digest(*parts: object) -> str:
    """A digest of JSON-able values, for `Run.step`'s key."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class StepRecord:
    """What is known of a finished step.

    Attributes:
        key: digest of its inputs and options.
        files: path within the run folder -> SHA-256 of what it wrote.
        seal: says that a command of this user has written this, see `pipeline.run.seal`.
    """

    key: str
    files: dict[str, str]
    seal: str = ""


class Run:
    """One run folder.

    Args:
        path: the folder; made where it is absent.

    Raises:
        WrongUse: the folder holds files that no run wrote, or names some outside of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and not path.is_dir():
            raise WrongUse("the run folder is a file", where=str(path), hint="name a folder")
        self._steps: dict[str, StepRecord] = {}
        record = path / _STEPS_FILE
        if is_own_file(path, record):
            self._steps = _records(path)
        elif (
            path.is_dir() and not record.is_symlink() and not all(map(is_leftover, path.iterdir()))
        ):
            raise WrongUse(
                "the folder is not empty and is no run folder",
                where=str(path),
                hint="name a new folder with --out, or empty this one",
            )

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Nobody else writes into the folder within this block.

        What a command that was killed has left half-written is removed at its beginning.

        Raises:
            WrongUse: another command is at work in it.
        """
        made_now = [p for p in (self.path, *self.path.parents) if not p.exists()]
        make_folder(self.path)
        with locked(self.path):
            try:
                _sweep(self.path)
                if not is_own_file(self.path, self.path / _STEPS_FILE):
                    # From now on it is a run folder, whatever becomes of the first step.
                    self._write()
                yield
            except BaseException:
                # A run whose first step fails leaves no empty folders behind.
                if made_now and not self._steps:
                    with contextlib.suppress(OSError):
                        (self.path / _STEPS_FILE).unlink(missing_ok=True)
                        for folder in made_now:
                            folder.rmdir()
                raise

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
        with self.at_work():
            known = self._steps.get(name)
            if known and known.key == key and self.made_here(name) and self._intact(known.files):
                return load(self.path)
            self.forget_from(name)
            value = make(self.path)
            files = self._sums(outputs)
            self._steps[name] = StepRecord(key, files, seal_of(name, key, files))
            self._write()
            return value

    def made_here(self, name: str) -> bool:
        """Whether a command of this user has done this step; artifacts may have changed since."""
        known = self._steps.get(name)
        return known is not None and is_sealed(known.seal, name, known.key, known.files)

    def forget_from(self, name: str) -> None:
        """Drops this step's record and those after it: they were made from older inputs."""
        if not self._steps:
            return
        (self.path / _MANIFEST).unlink(missing_ok=True)
        for later in _from(name):
            if (record := self._steps.pop(later, None)) is not None:
                for file in record.files:
                    if not file.startswith("project/"):
                        self._remove(file)
        self._write()

    def finish(self) -> dict[str, str]:
        """Writes manifest.json; returns path -> SHA-256 of all artifacts."""
        sums = {file: sha for step in self._steps.values() for file, sha in step.files.items()}
        write_json(self.path / _MANIFEST, {"artifacts": sums})
        return sums

    def artifacts_before(self, name: str) -> dict[str, str]:
        """Path -> SHA-256 of what the steps before `name` have written."""
        earlier = (self._steps[step] for step in STEPS[: STEPS.index(name)] if step in self._steps)
        return {file: sha for record in earlier for file, sha in record.files.items()}

    def _write(self) -> None:
        write_json(self.path / _STEPS_FILE, {n: asdict(step) for n, step in self._steps.items()})

    def _remove(self, name: str) -> None:
        path = inside(self.path, name, self.path / _STEPS_FILE)
        # A link itself is removed, what lies behind one is not ours.
        if not has_link(self.path, path.parent) and (path.is_symlink() or path.is_file()):
            path.unlink()

    def _intact(self, files: dict[str, str]) -> bool:
        return all(
            is_own_file(self.path, path := self.path / file) and sha256_file(path) == sha
            for file, sha in files.items()
        )

    def _sums(self, outputs: Sequence[str]) -> dict[str, str]:
        files = sorted(file for name in outputs for file in _files(self.path / name))
        return {str(file.relative_to(self.path)): _sum(file) for file in files}


def _records(folder: Path) -> dict[str, StepRecord]:
    """What steps.json says; nothing where it is damaged, which means starting anew.

    Raises:
        WrongUse: it is no file of this folder, or names one that is not.
    """
    path = folder / _STEPS_FILE
    try:
        document = read_json(path)
        found: dict[str, StepRecord] = decode(dict[str, StepRecord], document)
    except Damaged:
        return {}
    for record in found.values():
        for name in record.files:
            inside(folder, name, path)
    return {name: record for name, record in found.items() if name in (*STEPS, MLPERF)}


def is_leftover(path: Path) -> bool:
    """Whether a command of ours that was killed has left this temporary file or folder."""
    return _LEFTOVER.fullmatch(path.name) is not None and not path.is_symlink()


def _sweep(folder: Path) -> None:
    """Removes what commands that were killed have left; nobody is at work here but us."""
    for path in folder.iterdir():
        if is_leftover(path):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _from(name: str) -> tuple[str, ...]:
    """A step and those that build on it."""
    if name == MLPERF:
        return (MLPERF,)
    later = STEPS[STEPS.index(name) :]
    return (*later, MLPERF) if "flash" in later else later


def file_sums(path: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of all files below `path`, PlatformIO's builds left out."""
    return {str(file.relative_to(path)): _sum(file) for file in sorted(_files(path))}


def _sum(path: Path) -> str:
    """Of a link the sum of where it points to: what lies there is not of this folder."""
    return digest("link", str(path.readlink())) if path.is_symlink() else sha256_file(path)


def _files(path: Path) -> Iterator[Path]:
    if path.is_symlink() or path.is_file():
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
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
