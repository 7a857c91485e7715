"""The bench: models x boards x engines x emulators, each a deployment, several side by side.

A bench folder holds one run folder per cell, `bench.json` with what is done, and at the end
`reports.json`, a list of all reports that `mcu compare` takes as a baseline.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from pipeline import system
from pipeline.bench.pool import Pool
from pipeline.board import load_board
from pipeline.errors import WrongUse
from pipeline.load.names import identifier
from pipeline.options import DataOptions, Options, options_of, refuse_unknown
from pipeline.oserrors import make_folder
from pipeline.report.document import Report, read_report, report_of
from pipeline.resources import VERSION
from pipeline.run import (
    Damaged,
    decode,
    digest,
    is_leftover,
    is_own_file,
    locked,
    read_json,
    write_json,
)
from pipeline.steps.artifacts import file_key

STATE = "bench.json"
REPORTS = "reports.json"
LOCK = ".bench.lock"
_EMULATORS = ("qemu", "renode")
_TICK_SECONDS = 0.5
_USUAL = Options()
# Several are `engines`; the others a bench decides itself.
_NO_CHOICE = {"engine", "out", "until"}

State = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True)
class Cell:
    """One deployment of the matrix.

    Attributes:
        name: unique within the bench; also the run folder's name.
        options: what `deploy` is told.
    """

    name: str
    model: Path
    board: str
    options: Options

    def request(self, folder: Path) -> dict[str, Any]:
        """The arguments of `deploy`, as JSON holds them."""
        told = replace(self.options, out=str(folder / self.name)).to_json()
        return {"model": str(self.model), "board": self.board, **told}

    def key(self) -> str:
        """Digest of all that decides the result."""
        told = {**self.options.to_json(), "data": None}
        data = self.options.of(DataOptions).key()
        return digest(VERSION, file_key(self.model), self.board, told, data)


@dataclass(frozen=True)
class Result:
    """What became of a cell: a report or an error.

    Attributes:
        error: kind, what, where, hint, exit_code; None where there is a report.
        seconds: how long it took; 0 where it was kept from before.
    """

    cell: Cell
    report: Report | None
    error: dict[str, Any] | None
    seconds: float = 0.0


class Watcher(Protocol):
    """What a bench calls whenever a cell has moved on."""

    def __call__(self, cell: Cell, state: State, note: str, /) -> None:
        """Takes the news.

        Args:
            cell: which.
            state: "waiting", "running", "done" or "failed".
            note: the step while running, afterwards what came out.
        """


def ignore(cell: Cell, state: State, note: str) -> None:
    """The default watcher: no one is watching."""


def matrix(
    models: Sequence[Path],
    boards: Sequence[str],
    *,
    engines: Sequence[str] = (_USUAL.engine,),
    on: Sequence[str] = (_USUAL.on,),
    optimize: Sequence[str] = (_USUAL.optimize,),
    prune: Sequence[str] = (_USUAL.prune,),
    data: Sequence[str] = ("random",),
    **options: Any,
) -> list[Cell]:
    """All combinations.

    Args:
        data: data sets; "MODEL=DATA" is for one model (its file's stem), the others for all.
        options: further options of a deployment, the same for every cell.

    Raises:
        WrongUse: a model or board that is not there, data for a model that is not, an option
            that is none.
    """
    refuse_unknown(options, {*options_of(Options), "engines"} - _NO_CHOICE, "bench")
    for model in models:
        if not model.exists():
            raise WrongUse("no such file or folder", where=str(model))
    for board in boards:
        load_board(board)
    sets = _data_sets(data, [model.stem for model in models])
    cells: list[Cell] = []
    used: dict[str, int] = {}
    for model, board, engine, place, favour, recipe in itertools.product(
        models, boards, engines, on, optimize, prune
    ):
        words = [identifier(model.stem), board, engine, place]
        words += [favour] if len(optimize) > 1 or favour != _USUAL.optimize else []
        words += [recipe.replace(":", "_")] if recipe != _USUAL.prune else []
        name = "-".join(words)
        used[name] = used.get(name, 0) + 1
        name += f"-{used[name]}" if used[name] > 1 else ""
        chosen = sets.get(model.stem, sets[""])
        told = Options(
            engine=engine, on=place, optimize=favour, prune=recipe, data=chosen, **options
        )
        cells.append(Cell(name, model, board, told))
    return cells


def _data_sets(data: Sequence[str], stems: Sequence[str]) -> dict[str, str]:
    found = {"": "random"}
    for text in data:
        stem, equals, name = text.partition("=")
        if equals and stem not in stems:
            raise WrongUse(
                f"there is no model {stem!r} in this bench",
                where=f"--data {text}",
                hint=f"MODEL=DATA, where MODEL is one of {', '.join(stems)}",
            )
        found[stem if equals else ""] = name if equals else text
    return found


def bench(
    cells: Sequence[Cell], folder: Path, *, jobs: int | None = None, watch: Watcher = ignore
) -> list[Result]:
    """Deploys every cell; a cell that fails does not stop the others.

    A bench that was interrupted goes on where it stopped: finished cells are taken as they
    are. One that was finished starts anew, and every deployment keeps what has not changed.

    Args:
        cells: what `matrix` gives.
        folder: the bench folder; made where it is absent.
        jobs: deployments side by side; one per processor by default.
        watch: told of every step.

    Raises:
        WrongUse: the folder holds something else, or another bench is at work in it.
    """
    results: dict[str, Result] = {}
    with _locked(folder):
        before = _state(folder)
        state: dict[str, Any] = {"finished": False, "cells": {}}
        waiting: list[Cell] = []
        for cell in cells:
            kept = _kept(cell, folder, before)
            if kept is None:
                waiting.append(cell)
                watch(cell, "waiting", "")
            else:
                results[cell.name] = kept
                state["cells"][cell.name] = asdict(before.cells[cell.name])
                watch(cell, "done", "kept")
        write_json(folder / STATE, state)
        with Pool(jobs or processors()) as pool:
            for result in _run(pool, waiting, folder, watch):
                results[result.cell.name] = result
                state["cells"][result.cell.name] = {
                    "key": result.cell.key(),
                    "error": result.error,
                    "seconds": round(result.seconds, 1),
                }
                write_json(folder / STATE, state)
        found = [results[cell.name] for cell in cells]
        reports = [result.report.to_json() for result in found if result.report is not None]
        write_json(folder / REPORTS, reports)
        write_json(folder / STATE, {**state, "finished": True})
    return found


def processors() -> int:
    """Processors this process may use."""
    return system.processor_count()


def _run(pool: Pool, waiting: list[Cell], folder: Path, watch: Watcher) -> Iterator[Result]:
    """Results as they come."""
    began: dict[str, float] = {}
    alone = {cell.name: _alone(cell) for cell in waiting}
    while waiting or pool.running:
        while pool.free and (cell := _next(waiting, [alone[c.name] for c in pool.running], alone)):
            waiting.remove(cell)
            began[cell.name] = time.monotonic()
            pool.start(cell, cell.request(folder))
            watch(cell, "running", "")
        for cell, message in pool.wait(_TICK_SECONDS):
            if "progress" in message:
                watch(cell, "running", _step(*message["progress"]))
                continue
            seconds = time.monotonic() - began[cell.name]
            result = _result(cell, message, seconds)
            watch(cell, "failed" if result.error else "done", _outcome(result))
            yield result


def _next(waiting: Sequence[Cell], taken: Sequence[str], alone: dict[str, str]) -> Cell | None:
    """The first cell whose board is not in use."""
    return next((c for c in waiting if not alone[c.name] or alone[c.name] not in taken), None)


def _alone(cell: Cell) -> str:
    """What a cell needs for itself: the real board; "" for an emulator."""
    on, port = cell.options.on, cell.options.port
    if on in _EMULATORS:
        return ""
    if on == "auto" and not port:
        from pipeline.flash import ports

        if not any(cell.board in info.boards for info in ports()):
            return ""
    return port or cell.board


def _result(cell: Cell, message: dict[str, Any], seconds: float) -> Result:
    if "report" in message:
        return Result(cell, report_of(message["report"], cell.name), None, seconds)
    return Result(cell, None, message["error"], seconds)


def _step(step: str, done: int, total: int, note: str) -> str:
    return f"{step} {done}/{total}" if total else step


def _outcome(result: Result) -> str:
    if result.error is not None:
        return str(result.error["what"]).partition("\n")[0]
    assert result.report is not None
    return f"{result.report.latency.median:,} {result.report.latency.unit}"


# What is left of an earlier start ---------------------------------------------------------


@dataclass(frozen=True)
class _Done:
    """A cell that has ended; `error` is a document of `pipeline.bench.worker.error_document`."""

    key: str
    error: dict[str, str | int] | None
    seconds: float


@dataclass(frozen=True)
class _Before:
    """bench.json."""

    finished: bool
    cells: dict[str, _Done]


def _state(folder: Path) -> _Before:
    """What an earlier start has left; nothing where that can't be read."""
    try:
        found: _Before = decode(_Before, read_json(folder / STATE))
    except (OSError, Damaged, WrongUse):
        return _Before(True, {})
    return found


def _kept(cell: Cell, folder: Path, before: _Before) -> Result | None:
    """A cell that an interrupted bench has finished with the same inputs."""
    known = before.cells.get(cell.name)
    if before.finished or not known or known.error or known.key != cell.key():
        return None
    path = folder / cell.name / "report.json"
    try:
        return Result(cell, read_report(path), None) if is_own_file(folder, path) else None
    except WrongUse:
        return None


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if folder.exists() and not folder.is_dir():
        raise WrongUse("the bench folder is a file", where=str(folder), hint="name a folder")
    known = is_own_file(folder, folder / STATE)
    if folder.is_dir() and not known and not all(map(is_leftover, folder.iterdir())):
        raise WrongUse(
            "the folder is not empty and is no bench folder",
            where=str(folder),
            hint="name a new folder with --out, or empty this one",
        )
    make_folder(folder)
    with locked(folder, what="bench", again=False):
        if not is_own_file(folder, folder / STATE):
            write_json(folder / STATE, {"finished": True, "cells": {}})
        yield
