"""Several workers on one machine: processes that share the study."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import errors
from pipeline.errors import McuError, StepFailed
from pipeline.progress import Progress, silent
from pipeline.search.front import Tried
from pipeline.search.settings import Settings
from pipeline.search.study import objectives_of, tried_of
from pipeline.search.work import finished

if TYPE_CHECKING:
    import optuna

_ROOT = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.5
_PATIENCE = 20.0


def run_workers(
    study: optuna.Study,
    settings: Settings,
    count: int,
    *,
    progress: Progress = silent,
    on_trial: Callable[[Tried], None] | None = None,
) -> None:
    """Runs `count` worker processes until they are done.

    They end with this process, whatever ends it: each holds a pipe from here and stops when
    it closes.

    Raises:
        McuError: a worker met what stops every candidate; the others are ended.
    """
    watch = _Watch(study, settings, progress, on_trial)
    workers = [_start(settings) for _ in range(count)]
    try:
        while any(worker.poll() is None for worker in workers):
            watch.look()
            if any((worker.poll() or 0) > 0 for worker in workers):
                break
            time.sleep(_POLL_SECONDS)
        watch.look()
    finally:
        _end(workers)
    killed = [worker for worker in workers if worker.returncode < 0]
    if len(killed) == len(workers):
        raise StepFailed(
            f"all workers were killed (signal {-killed[0].returncode})",
            where="search",
            hint="out of memory? try fewer --workers; the same command goes on from here",
        )
    for worker in workers:
        _raise(worker)


class _Watch:
    """Tells of trials as they finish."""

    def __init__(
        self,
        study: optuna.Study,
        settings: Settings,
        progress: Progress,
        on_trial: Callable[[Tried], None] | None,
    ) -> None:
        self._study = study
        self._limit = settings.trials
        self._progress = progress
        self._on_trial = on_trial
        self._objectives = objectives_of(study)
        self._told = {t.number for t in self._tried() if _over(t)}

    def _tried(self) -> list[Tried]:
        return [tried_of(t, self._objectives) for t in self._study.get_trials(deepcopy=False)]

    def look(self) -> None:
        tried = self._tried()
        for trial in tried:
            if _over(trial) and trial.number not in self._told:
                self._told.add(trial.number)
                if self._on_trial is not None:
                    self._on_trial(trial)
        running = [f"trial {t.number}: {t.prune}" for t in tried if t.state == "running"]
        self._progress("search", min(finished(tried), self._limit), self._limit, "; ".join(running))


def _over(trial: Tried) -> bool:
    return trial.state not in ("running", "waiting")


def _start(settings: Settings) -> subprocess.Popen[str]:
    path = os.pathsep.join(p for p in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if p)
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "pipeline.search.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        # Ctrl-C at the terminal comes to us alone, and we tell them.
        start_new_session=True,
    )
    assert worker.stdin is not None
    # Not on the command line: the database's URL may hold a password.
    worker.stdin.write(json.dumps(settings.to_json()) + "\n")
    worker.stdin.flush()
    return worker


def _end(workers: list[subprocess.Popen[str]]) -> None:
    """Interrupts those that still run, so that they put their trials back; kills in the end."""
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGINT)
    deadline = time.monotonic() + _PATIENCE
    for worker in workers:
        try:
            worker.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _raise(worker: subprocess.Popen[str]) -> None:
    assert worker.stdout is not None and worker.stdin is not None
    said = worker.stdout.read()
    worker.stdout.close()
    with contextlib.suppress(OSError):
        worker.stdin.close()
    if worker.returncode <= 0 or worker.returncode == 130:
        # Where one was killed, the others have done its trial.
        return
    try:
        document: dict[str, Any] = json.loads(said)
        kind = getattr(errors, document["kind"], StepFailed)
    except (ValueError, KeyError):
        raise StepFailed(
            f"a worker ended with code {worker.returncode}",
            where="search",
            hint="the same command goes on from here",
        ) from None
    assert issubclass(kind, McuError)
    raise kind(document["what"], where=document["where"], hint=document["hint"])
