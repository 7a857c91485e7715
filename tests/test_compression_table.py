"""The page of the compression benchmark says which bars are met."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))

from compression_table import means, table, verdicts


def row(recipe: str, int8: float, flash: int, instructions: int, fold: int = 0) -> dict:
    return {
        "recipe": recipe, "fold": fold, "float_accuracy": 0.95, "pruned_accuracy": int8,
        "int8_accuracy": int8, "sparsity": 0.5, "float32_bytes": 40_000, "epochs": 8,
        "seconds": 1.5, "flash": {"size": flash}, "instructions": {"size": instructions},
        "identical": True, "notes": [],
    }  # fmt: skip


def test_bars_are_met_and_missed() -> None:
    rows = [
        row("none", 0.95, 10_000, 1_000),
        row("magnitude:0.875", 0.94, 3_000, 900, fold=0),
        row("magnitude:0.875", 0.92, 3_200, 1_300, fold=1),
        row("neurons:0.5", 0.945, 3_000, 500),
        row("neurons:0.5+magnitude:0.8", 0.93, 2_000, 400),
    ]
    one, two, three = verdicts(means(rows))
    assert not one.met
    assert one.text.startswith("magnitude:0.875, size: 2.0 points lost, 12.9x smaller")
    assert one.text.endswith("missed: instructions")
    assert two.met and "2.00x fewer" in two.text
    assert not three.met and three.text.endswith("missed: accuracy")


def test_more_epochs_may_meet_a_bar() -> None:
    rows = [
        row("none", 0.95, 10_000, 1_000),
        row("neurons:0.5", 0.93, 3_000, 500),
        row("neurons:0.5 @48", 0.945, 3_000, 500),
    ]
    (two,) = verdicts(means(rows))
    assert two.met and two.text.startswith("neurons:0.5 @48, size: 0.5 points lost")


def test_a_bar_that_one_kind_of_pruning_meets() -> None:
    rows = [
        row("none", 0.95, 10_000, 1_000),
        row("neurons:0.5+magnitude:0.8", 0.93, 2_000, 400),
        row("neurons:0.75 @48", 0.942, 2_200, 300),
    ]
    three = verdicts(means(rows))[-1]
    assert not three.met
    assert "missed: accuracy. Met without magnitude: neurons:0.75 @48, size: 0.8" in three.text


def test_tasks_that_were_not_run_are_named() -> None:
    rows = [row("none", 0.95, 10_000, 1_000)]
    task = {
        "about": "a network", "folds_in_all": 5, "left_out": ["neurons:0.5"],
        "conditions": {"git": "abc"}, "rows": rows,
    }  # fmt: skip
    page = table({"digits": task}, {"digits": "a network", "kws": "another"})
    assert "Run so far: digits." in page and "Not run yet: kws (another)." in page
    assert "Means of 5 folds, or of as many as are named. Not run yet: neurons:0.5." in page
    assert "| dense (1 of 5 folds) | 50 % | 95.0 | 95.0 | 95.0 | 10,000 (4.0x) " in page
