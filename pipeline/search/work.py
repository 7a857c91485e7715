"""A worker: takes trials from the study until there are enough of them."""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import DeviceError, DoesNotFit, McuError, StepFailed, ToolMissing
from pipeline.progress import Progress, silent
from pipeline.search.front import Tried
from pipeline.search.space import Candidate
from pipeline.search.study import objectives_of, space_of_study, tried_of

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

# Trials of the same candidate cost nothing, but so many in a row mean that none is new.
_TWINS_IN_A_ROW = 30
_POLL_SECONDS = 1.0


class Hopeless(Exception):
    """Not an error but an answer: the candidate is not worth going on with, and why."""


@dataclass(frozen=True)
class Outcome:
    """What was measured of a candidate.

    Attributes:
        values: objective -> figure.
        facts: further figures, JSON-able.
    """

    values: dict[str, float]
    facts: dict[str, Any]


Evaluate = Callable[[Candidate, int, tuple[Tried, ...]], Outcome]
"""Measures a candidate: gets its trial's number and the trials so far.

Raises Hopeless to end the trial early, McuError where the candidate can't be measured.
"""


def work(
    study: optuna.Study,
    evaluate: Evaluate,
    *,
    trials: int,
    seconds: float | None = None,
    poll: float = _POLL_SECONDS,
    progress: Progress = silent,
    on_trial: Callable[[Tried], None] | None = None,
) -> None:
    """Tries candidates until the study holds `trials` finished ones, whoever tried them.

    Towards the end it waits for other workers' trials: should one of them die, its trial
    comes back and is done here.

    Args:
        study: with its attributes, see `open_study`.
        seconds: start no trial after that time.
        poll: seconds between two looks at the others' trials.
        on_trial: called after each trial of this worker.

    Raises:
        McuError: what stops any candidate, not this one alone: a tool is missing, the
            emulator does not start, or the unpruned model does not run.
    """
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import fail_stale_trials

    started = time.monotonic()
    objectives = objectives_of(study)
    size = space_of_study(study).size
    limit = trials if size is None else min(trials, size)
    objective = _Objective(study, evaluate, objectives)
    note = ""
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            fail_stale_trials(study)
        tried = [tried_of(t, objectives) for t in study.get_trials(deepcopy=False)]
        done = finished(tried)
        progress("search", min(done, limit), limit, note)
        if done >= limit or (seconds is not None and time.monotonic() - started >= seconds):
            return
        running = [t for t in tried if t.state == "running"]
        if done + len(running) >= limit:
            others = ", ".join(f"{t.number} of {t.worker}" for t in running)
            note = f"waiting for trial {others}"
            time.sleep(poll)
            continue
        study.optimize(objective, n_trials=1, catch=(McuError,))
        if objective.fatal is not None:
            raise objective.fatal
        last = objective.last
        if last is not None:
            note = ""
            if on_trial is not None:
                on_trial(tried_of(last, objectives))
        if objective.twins >= _TWINS_IN_A_ROW:
            return


def finished(tried: list[Tried]) -> int:
    """How many trials count: measured, ended or failed by themselves, each candidate once."""
    return sum(t.state in ("measured", "ended", "failed") and t.twin is None for t in tried)


class _Objective:
    """What Optuna calls for each trial."""

    def __init__(
        self, study: optuna.Study, evaluate: Evaluate, objectives: tuple[str, ...]
    ) -> None:
        self._study = study
        self._evaluate = evaluate
        self._objectives = objectives
        self._space = space_of_study(study)
        self._number = 0
        self.fatal: McuError | None = None
        self.twins = 0

    @property
    def last(self) -> FrozenTrial | None:
        """The latest trial of this worker."""
        found = [t for t in self._study.get_trials(deepcopy=False) if t.number == self._number]
        return found[0] if found else None

    def __call__(self, trial: Trial) -> tuple[float, ...]:
        """Measures one candidate."""
        from optuna import TrialPruned

        self._number = trial.number
        candidate = self._space.suggest(trial)
        trial.set_user_attr("worker", f"{socket.gethostname()}:{os.getpid()}")
        trial.set_user_attr("prune", candidate.prune)
        trial.set_user_attr("optimize", candidate.optimize)
        trial.set_user_attr("scheme", candidate.scheme)
        tried = tuple(tried_of(t, self._objectives) for t in self._study.get_trials(deepcopy=False))
        try:
            outcome = self._twin(trial, candidate, tried)
            if outcome is None:
                self.twins = 0
                outcome = self._evaluate(candidate, trial.number, tried)
        except (Hopeless, DoesNotFit) as why:
            text = why.what if isinstance(why, DoesNotFit) else str(why)
            trial.set_user_attr("reason", text)
            raise TrialPruned(text) from why
        except (McuError, OSError) as error:
            self._failed(trial, candidate, error)
            raise
        except BaseException:
            # Ctrl-C, or a bug of ours: the candidate has had no verdict.
            self._again(trial)
            raise
        trial.set_user_attr("facts", outcome.facts)
        return tuple(outcome.values[name] for name in self._objectives)

    def _twin(self, trial: Trial, candidate: Candidate, tried: tuple[Tried, ...]) -> Outcome | None:
        """The result of an earlier trial of the same candidate."""
        for other in tried:
            if Candidate(other.prune, other.optimize, other.scheme) != candidate:
                continue
            if other.twin is not None or other.number == trial.number:
                continue
            if other.state in ("measured", "ended"):
                self.twins += 1
                trial.set_user_attr("twin", other.number)
            if other.state == "measured":
                return Outcome(other.values, other.facts)
            if other.state == "ended":
                raise Hopeless(other.reason)
        return None

    def _failed(self, trial: Trial, candidate: Candidate, error: McuError | OSError) -> None:
        """Tells a candidate's own failure from what would stop every one."""
        if isinstance(error, OSError):
            error = StepFailed(f"{error.strerror}", where=str(error.filename or "search"))
            self.fatal = error
        if candidate.prune == "none" or isinstance(error, ToolMissing | DeviceError):
            assert isinstance(error, McuError)
            self.fatal = error
        if self.fatal is not None:
            self._again(trial)
            raise error
        trial.set_user_attr("error", str(error.args[0]))

    def _again(self, trial: Trial) -> None:
        """Puts an unfinished trial back into the queue."""
        self._study.enqueue_trial(trial.params)
