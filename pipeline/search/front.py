"""The Pareto front: what no other candidate beats in everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

OBJECTIVES = ("accuracy", "instructions", "flash_bytes", "ram_bytes")
_HIGHER_IS_BETTER = frozenset(("accuracy",))

State = Literal["measured", "ended", "failed", "lost", "running", "waiting"]


@dataclass(frozen=True)
class Tried:
    """One trial of a study.

    Attributes:
        number: of the trial.
        state: "measured" on the emulated board, "ended" early as hopeless, "failed" with an
            error of its own, "lost" with its worker (it is tried again under a new number),
            "running" or "waiting".
        prune, optimize, scheme: the candidate; "" before it is known.
        values: objective -> figure, empty unless measured.
        facts: further figures: sparsity, flash_model_bytes, arena_bytes, ...
        reason: why it was ended or failed.
        twin: number of an earlier trial of the same candidate whose result it took.
        worker: host and process that tried it.
        seconds: how long it took.
    """

    number: int
    state: State
    prune: str
    optimize: str
    values: dict[str, float]
    facts: dict[str, Any]
    reason: str = ""
    twin: int | None = None
    worker: str = ""
    seconds: float | None = None
    scheme: str = "int8"


@dataclass(frozen=True)
class Front:
    """What a search found.

    Attributes:
        model, board: what was searched for.
        objectives: the ones the study has, of OBJECTIVES.
        tried: all trials by number.
        numbers: the trials on the Pareto front, the most accurate first.
    """

    model: str
    board: str
    objectives: tuple[str, ...]
    tried: tuple[Tried, ...]
    numbers: tuple[int, ...]

    @property
    def points(self) -> tuple[Tried, ...]:
        """The trials on the front."""
        by_number = {trial.number: trial for trial in self.tried}
        return tuple(by_number[number] for number in self.numbers)

    def to_json(self) -> dict[str, Any]:
        """The document of `mcu search --json`."""
        return {
            "model": self.model,
            "board": self.board,
            "objectives": list(self.objectives),
            "front": [asdict(trial) for trial in self.points],
            "trials": [asdict(trial) for trial in self.tried],
        }


def dominates(a: Tried, b: Tried, objectives: Sequence[str]) -> bool:
    """`a` is nowhere worse than `b`, and better somewhere."""
    pairs = [(_loss(a, name), _loss(b, name)) for name in objectives]
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def pareto(tried: Sequence[Tried], objectives: Sequence[str]) -> tuple[int, ...]:
    """Numbers of the measured trials that none dominates, the best first.

    Of trials with equal figures the first stands for all.
    """
    measured = sorted((t for t in tried if t.state == "measured"), key=lambda t: t.number)
    front: list[Tried] = []
    for one in measured:
        beaten = any(dominates(other, one, objectives) for other in measured)
        equal = any(_losses(other, objectives) == _losses(one, objectives) for other in front)
        if not beaten and not equal:
            front.append(one)
    return tuple(t.number for t in sorted(front, key=lambda t: _losses(t, objectives)))


def _losses(trial: Tried, objectives: Sequence[str]) -> tuple[float, ...]:
    return tuple(_loss(trial, name) for name in objectives)


def _loss(trial: Tried, name: str) -> float:
    value = trial.values[name]
    return -value if name in _HIGHER_IS_BETTER else value


def direction(name: str) -> Literal["minimize", "maximize"]:
    """Optuna's word for what is better."""
    return "maximize" if name in _HIGHER_IS_BETTER else "minimize"
