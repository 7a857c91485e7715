"""A way to call `mcu` within the test process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner


@dataclass(frozen=True)
class Ran:
    """What a call of `mcu` left: exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Mcu = Callable[..., Ran]


@pytest.fixture
def mcu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mcu:
    """Runs `mcu ARGS` in an empty folder."""
    from pipeline.cli.app import app

    monkeypatch.chdir(tmp_path)

    def call(*args: object) -> Ran:
        result = CliRunner().invoke(app, [str(arg) for arg in args])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture(scope="session")
def kws_run(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the keyword model, flashed on QEMU, that answers as MLPerf Tiny's kws01."""
    from pipeline.deploy import deploy

    model = shared / "models/kws_ref_int8.tflite"
    out = tmp_path_factory.mktemp("kws") / "run"
    deploy(model, "disco_f407vg", mlperf="kws01", on="qemu", until="flash", out=out)
    return out
