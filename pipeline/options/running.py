"""Where the firmware runs, how its answers are judged, how far the chain goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import WrongUse
from pipeline.options.option import Group, option

PLACES = ("auto", "qemu", "renode", "probe", "serial")
_LENT = "labgrid:PLACE"


def _place(name: str) -> None:
    if name in PLACES:
        return
    from pipeline.flash import labgrid

    if not labgrid.place_of(name):
        raise WrongUse(f"{name!r} is not known", where="--on", hint=", ".join((*PLACES, _LENT)))


def _step(name: str) -> None:
    from pipeline.run import STEPS

    if name not in STEPS:
        raise WrongUse(f"{name!r} is not known", where="--until", hint=", ".join(STEPS))


def _task(name: str) -> None:
    from pipeline.measure.scores import TASKS

    if name not in TASKS:
        raise WrongUse(f"{name!r} is not known", where="--task", hint=", ".join(TASKS))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PlaceGroup(Group):
    """The board or its emulator."""

    on: str = option(
        "auto",
        "--on",
        help="Where to run: auto, qemu, renode, probe, serial, labgrid:PLACE.",
        more="auto: on the board where one is connected, else in an emulator.",
        check=_place,
    )
    port: str = option("", "--port", help="Serial port of a real board.")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RunGroup(Group):
    """The run."""

    task: str = option(
        "auto",
        "--task",
        help="Judge answers as classification, anomaly, regression or none; auto: by the labels.",
        check=_task,
    )
    until: str = option(
        "report", "--until", help="Stop after this step (a command's name).", check=_step
    )
    out: str | Path | None = option(
        None,
        "--out",
        "-o",
        help="Run folder.  [default: that of the artifact, or runs/NAME]",
        more="`mcu deploy` takes runs/MODEL-BOARD.",
        kind=Path,
    )
