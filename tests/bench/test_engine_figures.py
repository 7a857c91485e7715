"""`make bench`: what it writes, and when it fails."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from pipeline.errors import DoesNotFit

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks/engine.py"
KWS, AD = "kws_ref_int8", "ad01_int8"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program in an empty folder, with one model and no figures committed."""
    spec = importlib.util.spec_from_file_location("engine_figures", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    monkeypatch.setitem(sys.modules, "engine_figures", module)
    spec.loader.exec_module(module)
    monkeypatch.delenv("UPDATE", raising=False)
    for name, path in (
        ("MODELS", "models"), ("BASELINE", "baseline.csv"), ("FIGURES", "engine.json"),
        ("TABLE", "engine.md"), ("RUNS", "runs"), ("ROOT", "."),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, tmp_path / path)
    (tmp_path / "models").mkdir()
    (tmp_path / f"models/{KWS}.tflite").touch()
    figures(module, monkeypatch, [])
    return module


def figures(engine: ModuleType, monkeypatch: pytest.MonkeyPatch, before: list, **now: int) -> None:
    """Lets `before` be the committed rows, and `now` what is measured instead of 1000s."""
    monkeypatch.setattr(engine, "committed", lambda: before)
    monkeypatch.setattr(engine, "measure", lambda *key: row(engine, *key, **now))


def row(engine: ModuleType, model: str, core: str, optimize: str, **changed):
    counts = dict.fromkeys(engine.COUNTED, 1000)
    plain = engine.Row(
        model, core, optimize, **counts, macs=500, identical_outputs=3, samples=3, layers=[],
        compiler="GCC 12", flags="-O2", git="abc", changes="",
    )  # fmt: skip
    return replace(plain, **changed)


def one(engine: ModuleType, *more: str) -> int:
    return engine.main(["--core", "cortex-m4", "--optimize", "speed", *more])


def written(engine: ModuleType) -> list[dict]:
    return json.loads(engine.FIGURES.read_text())["rows"]


def test_figures_and_table_are_written(engine: ModuleType) -> None:
    engine.BASELINE.write_text(
        "model,core,kernels,instructions_per_inference,code_flash_bytes,model_bytes,"
        "arena_used_bytes\n"
        f"{KWS},m4,cmsis_nn,7000,90,50,20\n"
        f"{KWS},m4,cmsis_nn,6999,60,50,20\n"
        f"{KWS},m4,ref,1,1,1,1\n"
    )
    assert engine.main([]) == 0
    assert len(written(engine)) == len(engine.CORES) * len(engine.GOALS)
    table = engine.TABLE.read_text()
    assert (
        f"| {KWS} | speed | 1,000 / 6,999 | 2.000 | 1,000 / 110 | 1,000 | 1,000 / 20 | 3 of 3 |"
        in table
    )
    assert "1,000 / -" in table  # a core the baseline has not


def test_an_absent_model_is_skipped_and_its_figures_kept(engine, monkeypatch, capsys) -> None:
    figures(engine, monkeypatch, [row(engine, AD, "cortex-m4", "speed", arena_bytes=5)])
    assert one(engine) == 0
    assert [r["model"] for r in written(engine)] == [KWS, AD]
    assert f"{AD}: skipped, models/{AD}.tflite is absent" in capsys.readouterr().err


@pytest.mark.parametrize(
    "count", ["instructions", "flash_bytes", "flash_model_bytes", "arena_bytes"]
)
@pytest.mark.parametrize(("value", "code"), [(900, 0), (1010, 0), (1011, 6)])
def test_more_than_one_percent_worse_fails(engine, monkeypatch, capsys, count, value, code) -> None:
    figures(engine, monkeypatch, [row(engine, KWS, "cortex-m4", "speed")], **{count: value})
    assert one(engine) == code
    assert engine.FIGURES.exists() == engine.TABLE.exists() == (code == 0)
    if code:
        assert f"{count} 1,000 -> 1,011 (+1.1 %)" in capsys.readouterr().err
        assert json.loads((engine.RUNS / "engine.json").read_text())["rows"][0][count] == value


@pytest.mark.parametrize("how", ["--update", "UPDATE"])
def test_update_takes_worse_figures(engine, monkeypatch, how: str) -> None:
    figures(engine, monkeypatch, [row(engine, KWS, "cortex-m4", "speed")], instructions=2000)
    if how == "UPDATE":
        monkeypatch.setenv("UPDATE", "1")
    assert one(engine, *([how] if how == "--update" else [])) == 0
    assert written(engine)[0]["instructions"] == 2000


@pytest.mark.parametrize("same", [2, 0])
def test_outputs_that_differ_fail_whatever_is_updated(engine, monkeypatch, same) -> None:
    figures(engine, monkeypatch, [], identical_outputs=same)
    assert one(engine, "--update") == 5
    assert not engine.FIGURES.exists()


def test_a_deployment_that_fails_does_not_stop_the_others(engine, monkeypatch, capsys) -> None:
    def measure(model: str, core: str, optimize: str):
        if optimize == "speed":
            raise DoesNotFit("RAM overflows")
        return row(engine, model, core, optimize)

    monkeypatch.setattr(engine, "measure", measure)
    assert engine.main(["--core", "cortex-m4"]) == 1
    assert [r["optimize"] for r in written(engine)] == ["balanced", "size"]
    assert f"{KWS} cortex-m4 speed: RAM overflows" in capsys.readouterr().err


def test_another_compiler_is_said(engine, monkeypatch, capsys) -> None:
    before = [row(engine, KWS, "cortex-m4", "speed", compiler="GCC 11")]
    figures(engine, monkeypatch, before, flash_bytes=2000)
    assert one(engine) == 6
    assert "the compiler was GCC 11" in capsys.readouterr().err
