"""Measuring a candidate: trained once, deployed on the emulated board, ended early if hopeless."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import system
from pipeline.analyze import analyze
from pipeline.board import load_board
from pipeline.deploy import Deployment, deploy_with
from pipeline.errors import AccuracyGate, DataError, WrongUse
from pipeline.load import FlatModel
from pipeline.load.network import read_record
from pipeline.load.sniff import TFLITE, sniff
from pipeline.options import OPTIMIZE
from pipeline.progress import Progress, silent
from pipeline.report import Report
from pipeline.run import digest, replaced_folder
from pipeline.search.front import Tried
from pipeline.search.settings import Settings
from pipeline.search.space import Candidate
from pipeline.search.work import Hopeless, Outcome
from pipeline.steps.artifacts import PRUNED, facts_of, flat_of

_FIT = "does not fit"
# Estimates of code and RAM may be off by this much.
_SLACK = 1.1


class Measurer:
    """Measures the candidates of a search; an `Evaluate`.

    A recipe is trained once: networks/<digest> keeps the run folder up to its int8 model,
    and every trial of that recipe goes on from a copy of it in trials/<number>.
    """

    def __init__(self, settings: Settings, progress: Progress = silent) -> None:
        self._settings = settings
        self._progress = progress
        self._flat = sniff(Path(settings.model)).format == TFLITE
        self._limit = min(settings.trials, len(OPTIMIZE)) if self._flat else settings.trials
        self._on = emulator_of(settings.board)

    def __call__(self, candidate: Candidate, number: int, tried: tuple[Tried, ...]) -> Outcome:
        """Measures one; raises Hopeless where it is not worth it."""
        settings = self._settings
        label = f"trial {number}: {candidate}"
        inner = _steps(self._progress, tried, self._limit, label)
        if any(t.reason.startswith(_FIT) for t in tried):
            # Size matters here: look before training.
            self._must_fit(settings.model, candidate.prune, candidate.optimize, inner)
        folder = settings.folder / "trials" / f"{number:04d}"
        if self._flat:
            self._must_fit(settings.model, "none", candidate.optimize, inner)
        else:
            network = settings.folder / "networks" / digest(candidate.prune, candidate.scheme)[:16]
            with locked(network):
                self._train(network, candidate, inner)
            self._must_fit(flat_of(network), "none", candidate.optimize, inner)
            with replaced_folder(folder) as copy:
                # Links are copied as links, and refused where they are read.
                shutil.copytree(network, copy, symlinks=True, dirs_exist_ok=True)
        report = self.deploy(candidate, folder, inner).report
        # PlatformIO's objects are many times larger than all the artifacts together.
        shutil.rmtree(folder / "project" / ".pio", ignore_errors=True)
        return outcome_of(report, f"trials/{folder.name}")

    def deploy(
        self, candidate: Candidate, folder: Path, progress: Progress, until: str = "report"
    ) -> Deployment:
        """Deploys a candidate in a run folder; steps that are done there are not repeated."""
        s = self._settings
        told = replace(
            s.options,
            prune=candidate.prune,
            scheme=candidate.scheme,
            optimize=candidate.optimize,
            on=self._on,
            until=until,
            out=folder,
        )
        return deploy_with(s.model, s.board, told, progress)

    def _train(self, network: Path, candidate: Candidate, progress: Progress) -> None:
        if candidate.prune != "none":
            self.deploy(candidate, network, progress, until="prune")
            record = read_record(network / PRUNED)
            assert record is not None
            done = record["compression"]
            self._must_hold(done.float_accuracy, done.pruned_accuracy, "after pruning")
        self.deploy(candidate, network, progress, until="quantize")
        facts = facts_of(network)
        if facts["float_accuracy"] is None:
            raise DataError(
                "has no labels, so no candidate can be told from another",
                where=str(self._settings.options.data),
                hint="give a data set with x and y",
            )
        if candidate.prune != "none":
            self._must_hold(
                facts["float_accuracy"], facts["quantized_accuracy"], f"in {candidate.scheme}"
            )

    def _must_hold(self, before: float | None, now: float | None, when: str) -> None:
        if before is None or now is None:
            return
        floor = before - self._settings.max_drop
        if now < floor:
            raise Hopeless(f"accuracy {now:.4f} {when} is below the floor of {floor:.4f}")

    def _must_fit(
        self, model: str | FlatModel, prune: str, optimize: str, progress: Progress
    ) -> None:
        """Refuses what is far too large; close calls are left to the linker."""
        s = self._settings
        found = analyze(
            model, s.board, prune=prune, optimize=optimize, trust=s.options.trust, progress=progress
        )
        room = found.ram.limit - found.ram.stack_bytes
        if found.flash.total > _SLACK * found.flash.limit or found.ram.total > _SLACK * room:
            raise Hopeless(f"{_FIT}: {'; '.join(found.problems)}")


def outcome_of(report: Report | None, folder: str) -> Outcome:
    """The figures of a measured candidate.

    Raises:
        AccuracyGate: the firmware does not compute what the model does.
    """
    assert report is not None
    same, samples = report.accuracy.identical_outputs, report.accuracy.samples
    if same is not None and same < samples:
        raise AccuracyGate(
            f"{samples - same} of {samples} outputs differ from {report.accuracy.reference}",
            where=folder,
            hint="figures of wrong answers don't count; this is a bug of the engine",
        )
    values: dict[str, float] = {
        "instructions": report.latency.median,
        "flash_bytes": report.memory.flash_bytes,
        "ram_bytes": report.memory.ram_bytes,
    }
    if report.accuracy.device is not None:
        values["accuracy"] = report.accuracy.device
    facts: dict[str, Any] = {
        "folder": folder,
        "accuracy": report.accuracy.device,
        "sparsity": report.compression.sparsity,
        "neurons_removed": report.compression.neurons_removed,
        "flash_model_bytes": report.memory.flash_model_bytes,
        "arena_bytes": report.memory.arena_bytes,
        "identical_outputs": same,
        "samples": samples,
    }
    return Outcome(values, facts)


def emulator_of(board_id: str) -> str:
    """The emulator candidates are measured in.

    Raises:
        WrongUse: the board has none.
    """
    board = load_board(board_id)
    if not board.emulators:
        raise WrongUse(
            "has no emulator to measure candidates in",
            where=board_id,
            hint="choose a board with one for the search (`mcu boards`), then deploy to yours",
        )
    return "qemu" if "qemu" in board.emulators else board.emulators[0]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds `path`.lock: workers of one machine train a recipe once, the others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with system.locked(path.with_name(f"{path.name}.lock")):
        yield


def _steps(progress: Progress, tried: tuple[Tried, ...], limit: int, label: str) -> Progress:
    """Shows the steps of a deploy as one line of the search."""
    from pipeline.search.work import finished

    over = min(finished(list(tried)), limit)
    now = ""

    def show(step: str, done: int, total: int, note: str = "") -> None:
        nonlocal now
        if step != now:
            now = step
            progress("search", over, limit, f"{label}: {step}")

    return show
