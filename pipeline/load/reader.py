"""Having foreign files read by another process, and taking what it hands back."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import extras, scratch
from pipeline.errors import ModelError, StepFailed
from pipeline.load import limits
from pipeline.load.tfenv import ENVIRONMENT

_ROOT = Path(__file__).resolve().parents[2]
_lock = threading.Lock()
_nursery: subprocess.Popen[bytes] | None = None


def read_apart(path: Path, kind: str, where: str) -> tuple[Any, float]:
    """Read a Keras file in a process of its own; returns the model and its check.

    Raises:
        ModelError: as that process says, or it used too much memory or time, or crashed.
    """
    from pipeline.load.handover import take
    from pipeline.load.tfenv import tf_keras

    with scratch.folder("read") as folder:
        job = {"do": "read", "path": str(path.resolve()), "kind": kind}
        # This process needs TensorFlow as well: it comes in while the other one works.
        _run(job, folder, where, meanwhile=tf_keras)
        return take(folder, where)


def hdf5_facts_apart(path: Path, where: str) -> dict[str, Any]:
    """Run `pipeline.load.sniff.hdf5_facts` in a process of its own."""
    from pipeline.load.archive import parse_json

    with scratch.folder("read") as folder:
        _run({"do": "sniff", "path": str(path.resolve()), "kind": ""}, folder, where)
        facts = parse_json((folder / "facts.json").read_bytes(), where)
        if not isinstance(facts, dict):
            raise ModelError("can not be read", where=where)
        return facts


def _require_tensorflow(where: str) -> None:
    """Raises ToolMissing here, not in a process that can only say that it has ended."""
    try:
        there = importlib.util.find_spec("tensorflow") is not None
    except ImportError:
        there = False
    if not there:
        what, instead = "a Keras model needs TensorFlow", "a .tflite needs none of it"
        raise extras.missing("keras", what, where=where, instead=instead)


def _run(
    job: dict[str, str], folder: Path, where: str, meanwhile: Callable[[], Any] | None = None
) -> None:
    from pipeline.load.handover import take_error

    _require_tensorflow(where)

    line = json.dumps({**job, "folder": str(folder.resolve()), "where": where}).encode() + b"\n"
    with _lock:
        process = _send(line)
        if meanwhile is not None:
            meanwhile()
        assert process.stdout is not None
        try:
            answer = process.stdout.readline()
        except BaseException:  # interrupted: what it is doing is of no use to anyone
            end_nursery()
            raise
    if not answer:
        end_nursery()
        raise StepFailed("the process that reads model files has ended", where=where)
    code = int(json.loads(answer)["code"])
    if code == 0:
        return
    error = take_error(folder)
    if error is not None:
        raise error
    raise _died(code, where)


def _died(code: int, where: str) -> ModelError:
    hint = "the file is damaged or made to do this; nothing of it was used"
    if -code in (getattr(signal, "SIGXCPU", 24), getattr(signal, "SIGKILL", 9)):
        what = (
            f"takes more than {limits.PROCESS_SECONDS} s of processor time to be read, or more "
            "memory than the machine has"
        )
    else:
        what = (
            f"makes the process that reads it crash (exit code {code}); it may use "
            f"{limits.PROCESS_BYTES >> 20:,} MiB"
        )
    return ModelError(what, where=where, hint=hint)


def _send(line: bytes) -> subprocess.Popen[bytes]:
    """Write a job to the nursery, which is started where there is none (any more)."""
    global _nursery
    for _ in range(2):
        if _nursery is None or _nursery.poll() is not None:
            _nursery = _start()
        assert _nursery.stdin is not None
        try:
            _nursery.stdin.write(line)
            _nursery.stdin.flush()
            return _nursery
        except BrokenPipeError:  # it ended just now, having had nothing to do
            end_nursery()
    raise StepFailed("the process that reads model files can not be started")


def _start() -> subprocess.Popen[bytes]:
    path = os.pathsep.join(p for p in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if p)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pipeline.load.nursery"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ENVIRONMENT, "PYTHONPATH": path},
    )


@atexit.register
def end_nursery() -> None:
    """End the process, if it runs; the next file starts another."""
    global _nursery
    process, _nursery = _nursery, None
    if process is None:
        return
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.kill()
    process.wait()


if hasattr(os, "register_at_fork"):

    def _forget() -> None:
        # A fork of this process has no right to the other's pipes.
        global _nursery, _lock
        _nursery, _lock = None, threading.Lock()

    os.register_at_fork(after_in_child=_forget)
