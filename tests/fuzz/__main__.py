"""`python -m tests.fuzz KIND --seconds 60 --seed 1`, from the top of the checkout."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from .runner import judge, report, run

_HERE = Path(__file__).resolve().parent
KINDS = sorted(
    path.stem
    for path in _HERE.glob("*.py")
    if not path.stem.startswith(("_", "test_")) and "def make_case(" in path.read_text()
)


def main() -> int:
    """Fuzz one kind or all of them; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("kind", choices=[*KINDS, "all"])
    parser.add_argument("--seconds", type=float, default=60.0, help="for each kind")
    parser.add_argument("--cases", type=int, help="end after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"), help="failed cases")
    parser.add_argument("--json", action="store_true", help="one JSON object a kind")
    parser.add_argument("--again", type=Path, metavar="CASE", help="try one kept case only")
    options = parser.parse_args()
    found = False
    for kind in KINDS if options.kind == "all" else [options.kind]:
        module = importlib.import_module(f"{__package__}.{kind}")
        if options.again:
            said = judge(module.try_case, options.again.read_bytes())
            print(said["detail"] or said["what"] or said["error"] or "a result")  # noqa: T201
            found |= bool(said["what"])
            continue
        outcome = run(
            module.make_case,
            module.try_case,
            options.seconds,
            options.seed,
            options.folder / kind,
            cases=options.cases,
            workers=options.workers,
        )
        text = report(outcome) if options.json else str(outcome)
        print(f"{kind} --seed {options.seed}: {text}", flush=True)  # noqa: T201
        found |= bool(outcome.findings)
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
