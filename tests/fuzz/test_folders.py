"""A short run of the fuzzers of run folders and boards."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from .runner import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "cases"), [("artifacts", 200), ("boards", 500)])
def test_nothing_but_results_and_errors_of_ours(kind: str, cases: int, tmp_path: Path) -> None:
    module = importlib.import_module(f"{__package__}.{kind}")
    outcome = run(module.make_case, module.try_case, 240, 1, tmp_path, cases=cases)
    assert not outcome.findings, str(outcome)
    assert outcome.cases == cases and outcome.results and outcome.refused, str(outcome)
