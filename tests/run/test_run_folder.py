"""The run folder: reuse of steps, atomic writes, the manifest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline import resources, steps
from pipeline.errors import WrongUse
from pipeline.load import sniff
from pipeline.options import DataOptions
from pipeline.run import Run, digest, replaced_folder, sha256_file, write_atomically
from pipeline.steps import keys


def step(run: Run, name: str, key: str, text: str, calls: list[str]) -> str:
    def make(folder: Path) -> str:
        calls.append(name)
        write_atomically(folder / f"{name}.txt", text)
        return text

    return run.step(name, key, (f"{name}.txt",), make, lambda f: (f / f"{name}.txt").read_text())


def test_a_step_runs_once_for_the_same_inputs(tmp_path: Path) -> None:
    calls: list[str] = []
    assert step(Run(tmp_path / "run"), "build", "k", "one", calls) == "one"
    assert step(Run(tmp_path / "run"), "build", "k", "one", calls) == "one"
    assert calls == ["build"]


@pytest.mark.parametrize("change", ["key", "content", "removed"])
def test_a_step_runs_again_when_something_changed(tmp_path: Path, change: str) -> None:
    calls: list[str] = []
    run = Run(tmp_path / "run")
    step(run, "build", "k", "one", calls)
    if change == "content":
        (run.path / "build.txt").write_text("meddled with")
    if change == "removed":
        (run.path / "build.txt").unlink()
    step(Run(tmp_path / "run"), "build", "other" if change == "key" else "k", "one", calls)
    assert calls == ["build", "build"]


def test_a_step_that_runs_again_drops_what_came_after(tmp_path: Path) -> None:
    calls: list[str] = []
    run = Run(tmp_path / "run")
    step(run, "build", "k", "one", calls)
    step(run, "measure", "k", "two", calls)
    run.finish()
    step(run, "build", "new", "three", calls)
    assert not (run.path / "measure.txt").exists()
    assert not (run.path / "manifest.json").exists()
    assert step(run, "measure", "k", "two", calls) == "two"
    assert calls == ["build", "measure", "build", "measure"]


def test_a_failing_step_leaves_no_record(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")

    def fail(folder: Path) -> str:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run.step("build", "k", ("x",), fail, lambda _: "")
    assert not run.path.exists(), "and no empty folder"
    step(run, "build", "k", "one", [])
    with pytest.raises(RuntimeError):
        run.step("measure", "k", ("x",), fail, lambda _: "")
    assert set(json.loads((run.path / "steps.json").read_text())) == {"build"}


def test_the_manifest_holds_the_sums_of_all_artifacts(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    step(run, "build", "k", "one", [])
    sums = run.finish()
    manifest = json.loads((run.path / "manifest.json").read_text())
    assert manifest == {"artifacts": sums}
    assert sums == {"build.txt": sha256_file(run.path / "build.txt")}


def test_a_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(WrongUse, match="no run folder"):
        Run(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_is_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongUse, match="is a file"):
        Run(tmp_path / "file")


def test_damaged_records_mean_starting_anew(tmp_path: Path) -> None:
    (tmp_path / "steps.json").write_text("{")
    calls: list[str] = []
    step(Run(tmp_path), "build", "k", "one", calls)
    assert calls == ["build"]


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    write_atomically(path, "old")

    def fail(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_a_replaced_folder_keeps_the_old_one_on_failure(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "a").write_text("old")
    with pytest.raises(RuntimeError), replaced_folder(tmp_path / "project") as new:
        (new / "a").write_text("half")
        raise RuntimeError
    assert (tmp_path / "project" / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["project"]


def test_digests_tell_values_apart() -> None:
    assert digest("a", 1) == digest("a", 1)
    assert digest("a", 1) != digest("a1")
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})


class Keys:
    """A run that only looks at the keys of its steps."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def step(self, name: str, key: str, *_: object) -> None:
        self.keys.append(key)


def keys_of(model: Path) -> list[str]:
    run = Keys()
    data = DataOptions(data="digits")
    steps.prune(run, model, "magnitude:0.5", data)  # type: ignore[arg-type]
    steps.quantize(run, model, data)  # type: ignore[arg-type]
    return run.keys


def test_what_an_older_version_trained_and_converted_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "model.h5"
    model.write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setattr(sniff, "sniff", lambda path: sniff.Found(sniff.KERAS2_H5))
    before = keys_of(model)
    assert keys_of(model) == before
    monkeypatch.setattr(resources, "VERSION", "0.0.9")
    assert not set(keys_of(model)) & set(before)


def test_a_change_of_its_sources_makes_a_step_anew(tmp_path: Path) -> None:
    (tmp_path / "convert.py").write_text("one")
    before = keys.sources_key(tmp_path)
    assert keys.sources_key(tmp_path) == before
    (tmp_path / "convert.py").write_text("another")
    assert keys.sources_key(tmp_path) != before
