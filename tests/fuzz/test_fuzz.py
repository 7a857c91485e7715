"""Every fuzzer, for as long as a test may take: what they find must be nothing."""

from __future__ import annotations

import importlib

import pytest

from .__main__ import KINDS
from .runner import rng_of, run

# Those that load TensorFlow, or take seconds to start.
_SLOW = {"kerastf"}


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=pytest.mark.slow if k in _SLOW else ()) for k in KINDS]
)
def test_damage_gives_results_or_our_own_errors(kind, tmp_path):
    module = importlib.import_module(f"{__package__}.{kind}")
    if hasattr(module, "fuzz"):
        pytest.skip("has a fuzzer of its own, and a test of its own")
    assert module.make_case(rng_of(3, 1)) == module.make_case(rng_of(3, 1))
    slow = kind in _SLOW
    outcome = run(
        module.make_case,
        module.try_case,
        200 if slow else 5,
        3,
        tmp_path,
        cases=20 if slow else None,
    )
    assert outcome.cases, "nothing was tried"
    assert not outcome.findings, str(outcome)
