"""The study: where the trials are kept, and the guard that they belong together."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import extras
from pipeline.errors import McuError, StepFailed, WrongUse
from pipeline.search.front import OBJECTIVES, Front, Tried, direction, pareto
from pipeline.search.settings import Settings
from pipeline.search.space import Space

if TYPE_CHECKING:
    import optuna
    from sqlalchemy.engine import Engine

DATABASE = "study.db"
_IDENTITY, _SPACE, _OBJECTIVES = "identity", "space", "objectives"
_RETRIES = 3
_WORDS = {
    "model": "another model",
    "data": "another data set",
    "board": "another board",
    "engine": "another engine",
    "epochs": "another number of epochs",
    "samples": "another number of samples",
    "version": "another version of the engine",
}


class NoStudy(WrongUse):
    """There is no study of that name."""


def open_study(
    settings: Settings,
    space: Space | None = None,
    objectives: tuple[str, ...] = OBJECTIVES,
    *,
    any_engine: bool = False,
) -> optuna.Study:
    """Opens the study of `settings`.

    Args:
        space: with it, a study that is not there yet is created; without it, it must exist.
        objectives: of a new study.
        any_engine: take one whose trials were measured with another version of the engine.

    Raises:
        WrongUse: there is no such study, or it is of another model, data set or board.
        ToolMissing: the database's driver is not installed.
        StepFailed: the database can't be reached.
    """
    extras.require("search", "a search needs Optuna")
    with _database_errors(settings):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        storage = _storage(settings)
        sampler = optuna.samplers.TPESampler(
            multivariate=True, group=True, constant_liar=True, n_startup_trials=8
        )
        if space is None:
            try:
                study = optuna.load_study(
                    study_name=_name(settings), storage=storage, sampler=sampler
                )
            except KeyError as error:
                raise _no_study(settings) from error
        else:
            study = optuna.create_study(
                study_name=_name(settings),
                storage=storage,
                sampler=sampler,
                directions=[direction(name) for name in objectives],
                load_if_exists=True,
            )
            _begin(study, settings, space, objectives)
        _guard(study, settings, any_engine)
    return study


def _name(settings: Settings) -> str:
    return settings.study or f"{Path(settings.model).stem}-{settings.board}"


def _storage(settings: Settings) -> optuna.storages.RDBStorage:
    import optuna

    url = database_url(settings)
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {"connect_args": {"timeout": 60}}
    else:
        options = {"pool_pre_ping": True}
    storage = optuna.storages.RDBStorage(
        url,
        engine_kwargs=options,
        heartbeat_interval=settings.heartbeat,
        grace_period=4 * settings.heartbeat,
        heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(_RETRIES),
    )
    if url.startswith("sqlite:///"):
        _share_file(storage.engine)
    return storage


def _share_file(engine: Engine) -> None:
    """Lets several processes read and write an SQLite file without waiting for the disk."""
    from sqlalchemy import event

    def pragmas(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    event.listen(engine, "connect", pragmas)
    engine.dispose()  # connections made before don't have them


def database_url(settings: Settings) -> str:
    """The database's URL; PostgreSQL's with the driver this package brings."""
    if not settings.storage:
        return f"sqlite:///{(settings.folder / DATABASE).absolute()}"
    for short in ("postgresql://", "postgres://"):
        if settings.storage.startswith(short):
            return "postgresql+psycopg://" + settings.storage.removeprefix(short)
    return settings.storage


def shown(settings: Settings) -> str:
    """Where the study is kept, for people: without the password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if not settings.storage:
        return str(settings.folder / DATABASE)
    try:
        return make_url(settings.storage).render_as_string(hide_password=True)
    except ArgumentError:
        return "--storage"


def check_storage(settings: Settings) -> None:
    """Looks whether the storage can be a database, without asking it.

    Raises:
        WrongUse: it is no database URL.
    """
    if not settings.storage:
        return
    from sqlalchemy.engine import make_url

    with _database_errors(settings):
        make_url(settings.storage)


@contextmanager
def _database_errors(settings: Settings) -> Iterator[None]:
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

    where = shown(settings)
    try:
        # Heartbeats and grouped sampling are marked experimental; tests of ours hold them.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except McuError:
        raise
    except (ArgumentError, NoSuchModuleError) as error:
        raise WrongUse(
            "is no database URL", where=where, hint="postgresql://user@host/database"
        ) from error
    except ImportError as error:
        what = f"the database's driver is not installed: {error}"
        raise extras.missing("postgres", what, where=where) from error
    except (SQLAlchemyError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise _unreachable(cause, where) from error
    except Exception as error:
        if type(error).__module__.startswith("optuna"):
            raise _unreachable(error.__cause__ or error, where) from error
        raise


def _unreachable(error: object, where: str) -> StepFailed:
    lines = str(error).strip().splitlines()
    return StepFailed(
        f"the study's database can't be used: {lines[0] if lines else type(error).__name__}",
        where=where,
        hint="is the server up, and may this user create tables there?",
    )


def _no_study(settings: Settings) -> NoStudy:
    return NoStudy(
        f"there is no study {_name(settings)!r}", where=shown(settings), hint="run mcu search first"
    )


def _begin(
    study: optuna.Study, settings: Settings, space: Space, objectives: tuple[str, ...]
) -> None:
    """Gives a new study its attributes and first candidates."""
    if _IDENTITY in study.user_attrs:
        return
    study.set_user_attr(_SPACE, space.to_json())
    study.set_user_attr(_OBJECTIVES, list(objectives))
    study.set_user_attr(_IDENTITY, settings.identity())
    for point in space.start():
        study.enqueue_trial(point, skip_if_exists=True)


def _guard(study: optuna.Study, settings: Settings, any_engine: bool) -> None:
    found = study.user_attrs.get(_IDENTITY)
    if not isinstance(found, dict):
        raise WrongUse(
            f"study {_name(settings)!r} was not made by mcu search",
            where=shown(settings),
            hint="choose another name with --study",
        )
    wanted = settings.identity()
    if any_engine:
        found = {**found, "version": wanted["version"]}
    different = [key for key in {**wanted, **found} if found.get(key) != wanted.get(key)]
    if different:
        what = ", ".join(_WORDS.get(key, f"another {key}") for key in different)
        raise WrongUse(
            f"the study {_name(settings)!r} is of {what}",
            where=shown(settings),
            hint="results would not compare: name another folder with --out"
            + (", or another study with --study" if settings.storage else ""),
        )


# What a study holds -----------------------------------------------------------------------


@contextmanager
def _whole(study: optuna.Study) -> Iterator[None]:
    """A database may come from somebody else: what is in it is looked at when it is used."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise WrongUse(
            f"the study {study.study_name!r} is damaged: {error!r}"[:300],
            hint="name another folder with --out, or another study with --study",
        ) from error


def space_of_study(study: optuna.Study) -> Space:
    """What is explored."""
    with _whole(study):
        return Space.from_json(study.user_attrs[_SPACE])


def objectives_of(study: optuna.Study) -> tuple[str, ...]:
    """What is made better."""
    with _whole(study):
        found = study.user_attrs[_OBJECTIVES]
        if not isinstance(found, list) or not set(found) <= set(OBJECTIVES):
            raise ValueError(found)
        return tuple(found)


def front_of(study: optuna.Study, settings: Settings) -> Front:
    """All trials, and the best of them."""
    objectives = objectives_of(study)
    trials = study.get_trials(deepcopy=False)
    with _whole(study):
        tried = tuple(tried_of(trial, objectives) for trial in trials)
        return Front(
            Path(settings.model).stem, settings.board, objectives, tried, pareto(tried, objectives)
        )


def tried_of(trial: optuna.trial.FrozenTrial, objectives: tuple[str, ...]) -> Tried:
    """A trial in our words."""
    notes = trial.user_attrs
    values: dict[str, float] = {}
    if trial.state.name == "COMPLETE":
        values = dict(zip(objectives, trial.values, strict=True))
    states = {"COMPLETE": "measured", "PRUNED": "ended", "RUNNING": "running"}
    state = states.get(trial.state.name, "waiting")
    if trial.state.name == "FAIL":
        state = "failed" if "error" in notes else "lost"
    spent = trial.duration.total_seconds() if trial.duration else None
    # A trial that waits to be tried again still carries what its dead worker has noted.
    known = notes if state != "waiting" else {}
    return Tried(
        number=trial.number,
        state=state,  # type: ignore[arg-type]
        prune=known.get("prune", ""),
        optimize=known.get("optimize", ""),
        values=values,
        facts=dict(known.get("facts", {})),
        reason=known.get("reason", known.get("error", "")),
        twin=known.get("twin"),
        worker=known.get("worker", ""),
        seconds=spent,
        scheme=known.get("scheme", ""),
    )
