"""Running many mutants in worker processes, and keeping those that failed.

A mutant passes if `try_case` returns or raises an error of pipeline.errors, in no more than
10 s and 2 GB. Anything else is a finding: another exception, a crash, a wait. Case `n` of a
seed is the same bytes on every machine, so a seed and a number are enough to see it again.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from pipeline.errors import McuError

MakeCase = Callable[[random.Random], bytes]
TryCase = Callable[[bytes], None]

SECONDS = 10.0  # of processor time, children included, so that a busy machine changes nothing
BYTES = 2 << 30  # of memory, resident, children included
# A case that neither ends nor works (a FIFO, a socket) is ended after this much wall time.
_PATIENCE = 60.0
# Above the limit, so that what is measured is the limit; below what hurts the machine.
_CEILING = 3 << 30
_FULL = 77  # exit code of a worker whose peak would hide that of later cases
_KEPT = 3  # cases written for each kind of finding


@dataclass
class Outcome:
    """What came of a run.

    Attributes:
        cases, results, refused: mutants tried; those that gave a result; an error of ours.
        findings: how often each kind of failure was seen.
        slowest: seconds of processor time of the slowest case.
        peak: bytes, the most a worker had resident.
        seconds: wall time.
        errors: how often each error of ours was seen, by class.
    """

    cases: int = 0
    results: int = 0
    refused: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    peak: int = 0
    seconds: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        lines = [
            f"{self.cases} cases in {self.seconds:.0f} s: {self.results} results, "
            f"{self.refused} refused, {sum(self.findings.values())} findings; "
            f"slowest {self.slowest:.2f} s, at most {self.peak / 2**20:.0f} MiB"
        ]
        lines += [f"  {count} x {error}" for error, count in self.errors.most_common()]
        lines += [f"  FOUND {count} x {what}" for what, count in self.findings.most_common()]
        return "\n".join(lines)


def run(
    make_case: MakeCase,
    try_case: TryCase,
    seconds: float,
    seed: int,
    folder: Path,
    *,
    cases: int | None = None,
    workers: int = 1,
) -> Outcome:
    """Try mutants until the time is over.

    Args:
        make_case, try_case: see the package.
        seconds: wall time for all of it.
        seed: the same seed tries the same cases in the same order.
        folder: failed cases go here as `<seed>-<number>.case` and `.txt`; made when needed.
        cases: end after so many, too.
        workers: processes side by side.
    """
    outcome = Outcome()
    started = time.monotonic()
    slots = [
        _Slot(make_case, try_case, seed, first, workers, cases, folder) for first in range(workers)
    ]
    live = list(slots)
    while live and time.monotonic() - started < seconds:
        wait([slot.pipe for slot in live], timeout=0.5)
        for slot in list(live):
            if not slot.pump(outcome):
                live.remove(slot)
    for slot in slots:
        slot.end()
    outcome.seconds = time.monotonic() - started
    return outcome


class _Slot:
    """One worker after another: a new one takes over where the last one broke."""

    def __init__(
        self,
        make_case: MakeCase,
        try_case: TryCase,
        seed: int,
        first: int,
        step: int,
        cases: int | None,
        folder: Path,
    ) -> None:
        self._jobs = (make_case, try_case, seed, step, cases)
        self._seed, self._step, self._cases, self._folder = seed, step, cases, folder
        self._number = first  # the case being tried
        self._since = time.monotonic()
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")  # closures and loaded libraries go along
        self.pipe, theirs = context.Pipe(duplex=False)
        # Not a daemon: what is tried may start processes of its own.
        self._process = context.Process(target=_work, args=(theirs, self._number, *self._jobs))
        self._process.start()
        theirs.close()
        self._since = time.monotonic()

    def pump(self, outcome: Outcome) -> bool:
        """Take what the worker said; False when it has done all its cases."""
        try:
            while self.pipe.poll():
                said = self.pipe.recv()
                if said is None:
                    return False
                self._note(outcome, **said)
                self._number += self._step
                self._since = time.monotonic()
        except (EOFError, OSError):
            self._process.join(10)
            code = self._process.exitcode
            if code == 0:
                return False
            if code == _FULL:  # it has said so itself
                self.pipe.close()
                self._start()
                return True
            return self._again(outcome, f"the worker ended with {code}")
        if time.monotonic() - self._since > _PATIENCE:
            self._process.kill()
            self._process.join()
            return self._again(outcome, f"no end after {_PATIENCE:.0f} s")
        return True

    def _again(self, outcome: Outcome, what: str) -> bool:
        self._note(outcome, what=what, detail="", error="", spent=0.0, peak=0)
        self._number += self._step
        if self._cases is not None and self._number >= self._cases:
            return False
        self.pipe.close()
        self._start()
        return True

    def _note(
        self, outcome: Outcome, what: str, detail: str, error: str, spent: float, peak: int
    ) -> None:
        outcome.cases += 1
        outcome.slowest = max(outcome.slowest, spent)
        outcome.peak = max(outcome.peak, peak)
        if error:
            outcome.refused += 1
            outcome.errors[error] += 1
        elif not what:
            outcome.results += 1
        if what:
            outcome.findings[what] += 1
            if outcome.findings[what] <= _KEPT:
                self._keep(what, detail)

    def _keep(self, what: str, detail: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = self._folder / f"{self._seed}-{self._number}"
        stem.with_suffix(".case").write_bytes(self._jobs[0](rng_of(self._seed, self._number)))
        stem.with_suffix(".txt").write_text(f"{what}\n\n{detail}")

    def end(self) -> None:
        """End the worker, if it still runs."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def rng_of(seed: int, number: int) -> random.Random:
    """Return the source of chance of one case."""
    return random.Random(f"{seed}/{number}")


def _work(
    pipe: Connection,
    first: int,
    make_case: MakeCase,
    try_case: TryCase,
    seed: int,
    step: int,
    cases: int | None,
) -> None:
    sink = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # libraries in C talk to descriptors
        os.dup2(sink, stream)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    ceiling = _CEILING if hard == resource.RLIM_INFINITY else min(_CEILING, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (ceiling, hard))
    number = first
    while cases is None or number < cases:
        case = make_case(rng_of(seed, number))
        said = judge(try_case, case)
        pipe.send(said)
        if said["peak"] > BYTES:
            os._exit(0 if cases is not None and number + step >= cases else _FULL)
        number += step
    pipe.send(None)
    os._exit(0)


def judge(try_case: TryCase, case: bytes) -> dict[str, Any]:
    """Try one case in this process; `what` of the answer is empty where it passed."""
    what = detail = error = ""
    before, resident = _spent()
    try:
        try_case(case)
    except McuError as refused:
        error = type(refused).__name__
        if not refused.what.strip():
            what = f"{error} without a word"
    except BaseException as other:  # every other end is what is looked for
        detail = traceback.format_exc()
        frame = _ours(other)
        what = f"{type(other).__name__} at {frame}"
    after, peak = _spent()
    spent = after - before
    if not what and spent > SECONDS:
        what, detail = "over 10 s", f"{spent:.1f} s"
    if not what and peak > BYTES >= resident:
        what, detail = "over 2 GB", f"{peak} bytes"
    return {
        "what": what,
        "detail": detail,
        "error": "" if what else error,
        "spent": spent,
        "peak": peak,
    }


def _spent() -> tuple[float, int]:
    """Return seconds of processor time and the peak of resident bytes, children included."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, max(own.ru_maxrss, children.ru_maxrss) * unit


def _ours(error: BaseException) -> str:
    """Return file and line of the innermost frame in this project."""
    found = "?"
    for frame in traceback.extract_tb(error.__traceback__):
        if "/pipeline/" in frame.filename:
            found = f"{Path(frame.filename).name}:{frame.lineno}"
    return found


def report(outcome: Outcome) -> str:
    """Return `outcome` as one JSON object."""
    return json.dumps(
        {
            "cases": outcome.cases,
            "results": outcome.results,
            "refused": outcome.refused,
            "findings": dict(outcome.findings),
            "slowest_seconds": round(outcome.slowest, 3),
            "peak_bytes": outcome.peak,
            "seconds": round(outcome.seconds, 1),
            "errors": dict(outcome.errors),
        }
    )
