"""The monitor under libFuzzer for some seconds; `python -m tests.fuzz monitor` runs longer."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from pipeline.errors import ToolMissing

sys.path.insert(0, str(Path(__file__).parents[2]))
fuzz = importlib.import_module("tests.fuzz.monitor")
runner = importlib.import_module("tests.fuzz.runner")


@pytest.mark.slow
@pytest.mark.parametrize("build", ["plain", "ad01"])
def test_no_bytes_make_the_monitor_step_over_an_end(build: str, tmp_path: Path) -> None:
    try:
        program = fuzz.build(build, tmp_path)
    except ToolMissing as error:
        pytest.skip(f"{error.what}: {error.hint}")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, content in enumerate(fuzz.seeds()):
        (corpus / str(number)).write_bytes(content)
    outcome = runner.Outcome()
    fuzz._run(program, corpus, 3, 1, tmp_path, outcome)
    assert outcome.findings == {}, outcome
    assert outcome.cases > 1000
