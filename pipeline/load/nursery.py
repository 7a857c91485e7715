"""The process that foreign files are read in: `python -P -m pipeline.load.nursery`.

It takes jobs as JSON lines on stdin and forks a child for each, which shuts itself in (see
`pipeline.load.walls`) before it looks at the file, leaves its result in the job's folder and
ends. Libraries are imported here, once: a child costs a tenth of a second, not the five of
importing TensorFlow. Nothing of a file is ever read in this process itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

from pipeline.errors import McuError, ModelError
from pipeline.load import limits
from pipeline.load.clean import clean_archive, clean_hdf5, copy_bounded
from pipeline.load.handover import give, give_error
from pipeline.load.walls import raise_walls

# Nobody needs it for so long: end, and give the memory back.
_IDLE = 60.0
_WALL = 10 * limits.PROCESS_SECONDS
INPUT = "input"


def main() -> int:
    """Serve jobs until stdin ends; returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us
    while True:
        if hasattr(os, "fork") and not select.select([0], [], [], _IDLE)[0]:
            return 0
        line = sys.stdin.buffer.readline()
        if not line:
            return 0
        job = json.loads(line)
        if job["do"] == "read":
            _warm()
        code = _child(job) if hasattr(os, "fork") else run(job)
        os.write(1, json.dumps({"code": code}).encode() + b"\n")


def _warm() -> None:
    from pipeline.load.tfenv import keras3, tf_keras

    with contextlib.suppress(McuError):  # the child will say what is missing
        tf_keras().layers.Dense  # noqa: B018  (tf_keras loads its modules late)
        keras3().layers.Dense  # noqa: B018


def _child(job: dict[str, Any]) -> int:
    """Fork, wait, and return the child's exit code; -N where signal N ended it."""
    child = os.fork()
    if not child:
        _enclosed(job)
    started, pause = time.monotonic(), 0.001
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        gone = bool(select.select([0], [], [], pause)[0]) and not _alive()
        if gone or time.monotonic() - started > _WALL:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            if gone:
                os._exit(1)
            return -int(signal.SIGXCPU)
        pause = min(0.02, 2 * pause)


def _alive() -> bool:
    """Whether the parent is there: while a job runs it is silent, or its end of stdin closed."""
    return os.getppid() != 1 and bool(os.read(0, 1))


def _enclosed(job: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        sink = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(sink, stream)
        # TensorFlow and tempfile keep to the job's folder, the only one they may write to.
        tempfile.tempdir = os.environ["TMPDIR"] = job["folder"]
        code = run(job)
    finally:
        os._exit(code)


def run(job: dict[str, Any]) -> int:
    """Do one job in this process; returns 0, or 1 after writing the error."""
    folder, where, kind = Path(job["folder"]), str(job["where"]), str(job["kind"])
    try:
        try:
            path = Path(job["path"])
            if path.is_file():
                copy_bounded(path, folder / INPUT, where)
                path = folder / INPUT
            else:
                path = _folder_of(path, folder, where)
            raise_walls(folder, memory=limits.PROCESS_BYTES, seconds=limits.PROCESS_SECONDS)
            if job["do"] == "sniff":
                _sniff(path, where, folder)
            else:
                _read(path, kind, where, folder)
            return 0
        except MemoryError:
            from pipeline.load.read import out_of_memory

            raise out_of_memory(where) from None
        except RecursionError as error:
            raise ModelError("is nested too deep to be read", where=where) from error
        except McuError:
            raise
        except Exception as error:  # whatever it is, its first line says more than a crash
            from pipeline.load.read import load_error

            raise load_error(error, where) from error
    except McuError as error:
        give_error(folder, error)
        return 1


def _folder_of(path: Path, folder: Path, where: str) -> Path:
    """Copy what a SavedModel is made of: named files, no links."""
    copy = folder / INPUT
    copy.mkdir()
    (copy / "variables").mkdir()
    left = limits.FILE
    names = [path / "saved_model.pb", path / "keras_metadata.pb"]
    variables = path / "variables"
    if variables.is_dir() and not variables.is_symlink():
        names += sorted(p for p in variables.iterdir() if p.name.startswith("variables."))
    for file in names:
        if file.is_symlink():
            raise ModelError(f"{file.name} is a link", where=where)
        if not file.is_file():
            continue
        left -= file.stat().st_size
        if left < 0:
            raise ModelError(f"is larger than {limits.FILE:,} bytes", where=where)
        copy_bounded(file, copy / file.relative_to(path), where)
    return copy


def _sniff(path: Path, where: str, folder: Path) -> None:
    from pipeline.load.sniff import hdf5_facts

    (folder / "facts.json").write_text(json.dumps(hdf5_facts(path, where)))


def _read(path: Path, kind: str, where: str, folder: Path) -> None:
    from pipeline.load import sniff as kinds
    from pipeline.load.read import read_config, read_keras
    from pipeline.load.savedmodel import clean_savedmodel, not_keras
    from pipeline.load.tfenv import quiet

    if kind == kinds.SAVEDMODEL:
        with quiet():
            saved = clean_savedmodel(path, where, folder / "clean")
        if saved.config is None:
            raise not_keras(where)
        model, check = read_config(saved.config, saved.folder, where)
    else:
        clean = clean_hdf5 if kind in (kinds.KERAS2_H5, kinds.KERAS3_H5) else clean_archive
        model, check = read_keras(clean(path, where, folder), kind, where)
    give(folder, model, check)


if __name__ == "__main__":
    sys.exit(main())
