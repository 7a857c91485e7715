"""Settings: what a search is told, the same for every worker of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from pipeline import codegen
from pipeline.options import DataOptions, Options, options_of
from pipeline.resources import FIRMWARE, VERSION
from pipeline.run import digest, sha256_file
from pipeline.steps.artifacts import file_key

# Said in a word of its own where the identity has it, or of no weight for the figures.
_TOLD = {*options_of(DataOptions), "engine", "epochs", "trust"}
_CODE = (".py", ".c", ".h", ".S", ".j2")


@cache
def _engine() -> str:
    """Digest of the code generator and its C: with other kernels, figures don't compare."""
    roots = (Path(codegen.__file__).parent, FIRMWARE / "runtime", FIRMWARE / "engines")
    files = [p for root in roots for p in sorted(root.rglob("*")) if p.suffix in _CODE]
    return digest([[path.name, sha256_file(path)] for path in files])[:16]


@dataclass(frozen=True)
class Settings:
    """What to search for, and where it is kept.

    Attributes:
        model: .keras, .h5, SavedModel folder or .tflite.
        board: board id; it needs an emulator.
        out: the search folder.
        storage: database URL; "" for a file in the search folder.
        study: the study's name in the database.
        trials: stop when the study holds so many finished trials, those of earlier runs and
            of other machines included.
        seconds: start no trial after so many seconds; None for no such limit.
        max_drop: trials whose accuracy falls by more are ended early; 0..1.
        schemes: ways to quantise that are explored.
        clusters: numbers of distinct weights in a layer that are explored beside all.
        options: what every deployment is told, apart from what the search chooses.
        heartbeat: seconds between two signs of life of a worker; one that is silent for four
            times as long is taken for dead, and its trial is tried again.
    """

    model: str
    board: str
    out: str
    storage: str = ""
    study: str = ""
    trials: int = 30
    seconds: float | None = None
    max_drop: float = 0.05
    schemes: tuple[str, ...] = ("int8",)
    clusters: tuple[int, ...] = ()
    options: Options = Options()
    heartbeat: int = 15

    @property
    def folder(self) -> Path:
        """The search folder."""
        return Path(self.out)

    def identity(self) -> dict[str, Any]:
        """What decides a candidate's figures: trials of different identities don't compare."""
        o = self.options
        return {
            "model": file_key(Path(self.model)),
            "data": o.of(DataOptions).key(),
            "board": self.board,
            "engine": o.engine,
            "epochs": o.epochs,
            "samples": o.samples,
            "version": f"{VERSION} {_engine()}",
            **{name: str(value) for name, value in o.given().items() if name not in _TOLD},
        }

    def to_json(self) -> dict[str, Any]:
        """For a worker process."""
        return {**asdict(self), "options": self.options.to_json()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Settings:
        """As `to_json` wrote it."""
        values = {f.name: document[f.name] for f in fields(cls)}
        tuples = {name: tuple(document[name]) for name in ("schemes", "clusters")}
        return cls(**{**values, **tuples, "options": Options(**document["options"])})
