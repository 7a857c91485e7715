"""search: many deploys of one model, and the Pareto front of what they gave."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import extras
from pipeline.deploy import Deployment
from pipeline.errors import WrongUse
from pipeline.options import SCHEMES
from pipeline.oserrors import make_folder
from pipeline.progress import Progress, silent
from pipeline.run import inside, is_own_file, locked, write_atomically, write_json
from pipeline.search.candidate import Measurer, emulator_of
from pipeline.search.front import OBJECTIVES, Front, Tried
from pipeline.search.plot import front_svg
from pipeline.search.settings import Settings
from pipeline.search.space import Candidate, space_of
from pipeline.search.study import DATABASE, NoStudy, check_storage, front_of, open_study
from pipeline.search.work import work
from pipeline.search.workers import run_workers
from pipeline.steps import preflight as checks

if TYPE_CHECKING:
    import optuna

FRONT, PLOT = "front.json", "front.svg"
_FOREIGN_ALLOWED = (DATABASE, "trials", "networks", FRONT, PLOT)


def search(
    settings: Settings,
    *,
    workers: int = 1,
    progress: Progress = silent,
    on_trial: Callable[[Tried], None] | None = None,
) -> Front:
    """Tries candidates on the emulated board until the study holds enough of them.

    The same call goes on with a study that was stopped. In the search folder it leaves the
    study (unless it is in a database), a run folder per measured trial, front.json and
    front.svg; the last two also where it was interrupted.

    Args:
        workers: processes on this machine; further machines join by the same settings with
            a database as storage.
        progress: called with the number of finished trials.
        on_trial: called after each trial.

    Raises:
        WrongUse: options without sense, a study of another model or data set.
        ToolMissing, ModelError, DataError, DeviceError: what stops every candidate.
    """
    preflight(settings)
    check_storage(settings)
    make_folder(settings.folder)
    with locked(settings.folder, what="search", again=False):
        return _search(settings, workers, progress, on_trial)


def _search(
    settings: Settings,
    workers: int,
    progress: Progress,
    on_trial: Callable[[Tried], None] | None,
) -> Front:
    study = _study(settings, progress)
    try:
        if workers > 1:
            run_workers(study, settings, workers, progress=progress, on_trial=on_trial)
        else:
            work(
                study,
                Measurer(settings, progress),
                trials=settings.trials,
                seconds=settings.seconds,
                progress=progress,
                on_trial=on_trial,
            )
    finally:
        front = front_of(study, settings)
        write_front(front, settings.folder)
    return front


def _study(settings: Settings, progress: Progress) -> optuna.Study:
    """The study that is there, or a new one."""
    if settings.storage or (settings.folder / DATABASE).is_file():
        with contextlib.suppress(NoStudy):
            return open_study(settings)
    progress("search", 0, settings.trials, "looking at the network")
    space = space_of(
        Path(settings.model),
        schemes=settings.schemes,
        clusters=settings.clusters,
        trust=settings.options.trust,
    )
    # A .tflite answers the same whatever the engine is optimised for.
    objectives = OBJECTIVES if space.size is None else OBJECTIVES[1:]
    return open_study(settings, space, objectives)


def preflight(settings: Settings) -> None:
    """Checks all that can be known before any work is done.

    Raises:
        WrongUse, ToolMissing, ModelError: see `pipeline.steps.preflight.preflight`.
    """
    extras.require("search", "a search needs Optuna", where="mcu search")
    on = emulator_of(settings.board)
    if not 0.0 <= settings.max_drop <= 1.0:
        raise WrongUse(
            f"{settings.max_drop} is not within 0..1",
            where="--max-drop",
            hint="0.02 lets the accuracy fall by 2 points",
        )
    folder = settings.folder
    if folder.is_file():
        raise WrongUse("the search folder is a file", where=str(folder), hint="name a folder")
    if folder.is_dir():
        strange = [p.name for p in folder.iterdir() if not _ours(p.name)]
        if strange:
            raise WrongUse(
                f"the folder is no search folder: it holds {strange[0]}",
                where=str(folder),
                hint="name a new folder with --out",
            )
    for scheme in settings.schemes:
        if scheme not in SCHEMES:
            raise WrongUse(f"{scheme!r} is not known", where="--schemes", hint=", ".join(SCHEMES))
    for few in settings.clusters:
        if few < 2:
            raise WrongUse(
                f"a layer with {few} distinct weights", where="--clusters", hint="16 is usual"
            )
    checks.preflight(Path(settings.model), settings.board, replace(settings.options, on=on))


def _ours(name: str) -> bool:
    return name.startswith((*_FOREIGN_ALLOWED, "."))


def found(settings: Settings) -> Front:
    """What the study holds by now, without trying anything.

    Raises:
        WrongUse: there is no such study, or it is of another model or data set.
    """
    if not settings.storage and not (settings.folder / DATABASE).is_file():
        raise WrongUse(
            "there is no study here", where=str(settings.folder), hint="run mcu search first"
        )
    return front_of(open_study(settings, any_engine=True), settings)


def pick(settings: Settings, number: int, into: Path, *, progress: Progress = silent) -> Deployment:
    """Deploys a trial of the study into a run folder of its own.

    What the search left of it on this machine is taken over and not done again. With another
    version of the engine it is built and measured anew.

    Raises:
        WrongUse: no such study, or the trial was not measured.
    """
    preflight(settings)
    front = found(settings)
    trials = {trial.number: trial for trial in front.tried if trial.state == "measured"}
    if number not in trials:
        known = ", ".join(map(str, front.numbers)) or "none yet"
        raise WrongUse(
            f"trial {number} was not measured", where="--pick", hint=f"on the front: {known}"
        )
    trial = trials[number]
    source = inside(settings.folder, trial.facts.get("folder"), settings.folder / DATABASE)
    if not into.exists() and is_own_file(settings.folder, source / "steps.json"):
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, into, symlinks=True)
    candidate = Candidate(trial.prune, trial.optimize, trial.scheme)
    return Measurer(settings).deploy(candidate, into, progress)


def write_front(front: Front, folder: Path) -> None:
    """Writes front.json and front.svg."""
    write_json(folder / FRONT, front.to_json())
    if front.points:
        write_atomically(folder / PLOT, front_svg(front))
