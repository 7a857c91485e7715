"""A search whose candidates cost no training: `python stub_search.py SETTINGS.json [SECONDS]`.

A worker of a study, as another machine would run it. The figures are a function of the
candidate, so that it does not matter who measures it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pipeline.search.settings
from pipeline.search.front import Tried
from pipeline.search.settings import Settings
from pipeline.search.space import Candidate, Group, Space
from pipeline.search.study import open_study
from pipeline.search.work import Hopeless, Outcome, work

# The figures are the stub's: an edit of the engine while tests run does not change them.
pipeline.search.settings._engine = lambda: "stub"

SPACE = Space(sparsities=(Group("dense", ("dense",), 100),))


class Stub:
    """Measures by arithmetic; `seconds` is how long it takes."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.seen: list[Candidate] = []

    def __call__(self, candidate: Candidate, number: int, tried: tuple[Tried, ...]) -> Outcome:
        self.seen.append(candidate)
        time.sleep(self.seconds)
        amount = 0.0 if candidate.prune == "none" else float(candidate.prune.split(":")[1])
        if amount > 0.9:
            raise Hopeless("accuracy 0.1 is below the floor of 0.9")
        goal = ("size", "balanced", "speed").index(candidate.optimize)
        values = {
            "accuracy": 1.0 - amount / 10,
            "instructions": 1000 * (1 - amount) + 3 - goal,
            "flash_bytes": 1000 * (1 - amount) + goal,
            "ram_bytes": 100.0,
        }
        return Outcome(values, {"sparsity": amount})


def main() -> None:
    settings = Settings.from_json(json.loads(Path(sys.argv[1]).read_text()))
    stub = Stub(float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
    work(open_study(settings, SPACE), stub, trials=settings.trials, poll=0.2)


if __name__ == "__main__":
    main()
