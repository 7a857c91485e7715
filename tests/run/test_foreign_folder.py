"""A run folder that somebody else made: looked at, never believed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.errors import StepFailed, WrongUse
from pipeline.run import Run, file_sums, sha256_file, write_atomically
from pipeline.run import seal as sealing
from pipeline.steps import artifacts


def made(path: Path, calls: list[str], text: str = "one", key: str = "k") -> Run:
    run = Run(path)

    def make(folder: Path) -> None:
        calls.append("make")
        write_atomically(folder / "build.txt", text)

    run.step("build", key, ("build.txt",), make, lambda _: None)
    return run


def claim(path: Path, files: dict[str, str], **more: object) -> None:
    path.mkdir(exist_ok=True)
    record = {"key": "k", "files": files, **more}
    (path / "steps.json").write_text(json.dumps({"build": record}))


@pytest.mark.parametrize(
    "name",
    ["../canary", "{outside}/canary", "a/../../canary", "./canary", "", ".", "a//b", "a\\b",
     "a\x00b",     "a\nb", "x" * 2000],
)  # fmt: skip
def test_a_record_names_only_files_of_its_folder(tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"
    canary.write_text("mine")
    name = name.format(outside=tmp_path)
    claim(tmp_path / "run", {name: "0" * 64})
    with pytest.raises(WrongUse, match="no file within its folder"):
        made(tmp_path / "run", [])
    assert canary.read_text() == "mine"


def test_what_lies_behind_a_link_is_neither_deleted_nor_written(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "canary").write_text("mine")
    claim(tmp_path / "run", {"link/canary": sha256_file(outside / "canary"), "file": "0" * 64})
    (tmp_path / "run/link").symlink_to(outside)
    (tmp_path / "run/file").symlink_to(outside / "canary")
    (tmp_path / "run/build.txt").symlink_to(outside / "canary")
    made(tmp_path / "run", [])
    assert (outside / "canary").read_text() == "mine"
    assert not (tmp_path / "run/file").is_symlink(), "the link itself goes"
    assert (tmp_path / "run/build.txt").read_text() == "one"
    assert not (tmp_path / "run/build.txt").is_symlink(), "replaced, not followed"


def test_a_link_in_place_of_an_artifact_is_made_anew(tmp_path: Path) -> None:
    calls: list[str] = []
    run = made(tmp_path / "run", calls)
    same = tmp_path / "same.txt"
    same.write_text("one")
    (run.path / "build.txt").unlink()
    (run.path / "build.txt").symlink_to(same)
    made(tmp_path / "run", calls)
    assert calls == ["make", "make"]
    assert not (run.path / "build.txt").is_symlink()


def test_records_that_are_a_link_are_not_read(tmp_path: Path) -> None:
    calls: list[str] = []
    made(tmp_path / "one", calls)
    (tmp_path / "two").mkdir()
    (tmp_path / "two/steps.json").symlink_to(tmp_path / "one/steps.json")
    (tmp_path / "two/build.txt").write_text("one")
    before = (tmp_path / "one/steps.json").read_bytes()
    made(tmp_path / "two", calls)
    assert calls == ["make", "make"]
    assert (tmp_path / "one/steps.json").read_bytes() == before


@pytest.mark.parametrize("seal", [None, "", "0" * 64, 7, "é"])
def test_a_record_without_our_seal_is_not_believed(tmp_path: Path, seal: object) -> None:
    calls: list[str] = []
    run = made(tmp_path / "run", calls)
    document = json.loads((run.path / "steps.json").read_text())
    if seal is None:
        del document["build"]["seal"]
    else:
        document["build"]["seal"] = seal
    (run.path / "steps.json").write_text(json.dumps(document))
    assert not Run(run.path).made_here("build")
    made(tmp_path / "run", calls)
    assert calls == ["make", "make"]
    assert Run(run.path).made_here("build")


def test_a_seal_holds_for_its_step_key_and_files_alone(tmp_path: Path) -> None:
    run = made(tmp_path / "run", [])
    good = json.loads((run.path / "steps.json").read_text())["build"]
    for change in ({"key": "other"}, {"files": {"build.txt": "0" * 64}}):
        (run.path / "steps.json").write_text(json.dumps({"build": {**good, **change}}))
        assert not Run(run.path).made_here("build")
    (run.path / "steps.json").write_text(json.dumps({"render": good}))
    assert not Run(run.path).made_here("render")


def test_another_user_s_seal_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "theirs"))
    sealing._key.cache_clear()
    try:
        made(tmp_path / "run", [])
        assert Run(tmp_path / "run").made_here("build")
        key = tmp_path / "theirs/mcu-pipeline/seal.key"
        assert key.stat().st_mode & 0o077 == 0
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "ours"))
        sealing._key.cache_clear()
        assert not Run(tmp_path / "run").made_here("build")
    finally:
        monkeypatch.undo()
        sealing._key.cache_clear()


def test_a_moved_run_is_still_ours(tmp_path: Path) -> None:
    calls: list[str] = []
    made(tmp_path / "run", calls)
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    made(tmp_path / "elsewhere", calls)
    assert calls == ["make"]


def test_sums_do_not_follow_links(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "project"
    outside.mkdir()
    folder.mkdir()
    (outside / "secret").write_text("one")
    (folder / "to_folder").symlink_to(outside)
    (folder / "to_file").symlink_to(outside / "secret")
    before = file_sums(folder)
    (outside / "secret").write_text("another")
    assert file_sums(folder) == before
    assert set(before) == {"to_folder", "to_file"}


def test_a_project_of_somebody_else_is_not_built(tmp_path: Path) -> None:
    run = made(tmp_path / "run", [])
    (run.path / "project").mkdir()
    with pytest.raises(WrongUse, match="not rendered by you"):
        artifacts.require_rendered_here(run)
    artifacts.require_rendered_here(run, trust=True)
    (run.path / "project/.pio").mkdir()
    artifacts.drop_foreign_project(run)
    assert not (run.path / "project").exists()


def test_a_project_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    run = made(tmp_path / "run", [])
    (tmp_path / "theirs").mkdir()
    (run.path / "project").symlink_to(tmp_path / "theirs")
    with pytest.raises(WrongUse, match="is a link"):
        artifacts.need(run, "project", "render")
    artifacts.drop_foreign_project(run)
    assert (tmp_path / "theirs").is_dir()
    assert not (run.path / "project").is_symlink()


@pytest.mark.parametrize("name", ["image.json", "device.json", "measurement.json", "model.json"])
@pytest.mark.parametrize("what", ["link", "fifo", "large", "deep", "list"])
def test_an_artifact_is_a_small_regular_file(tmp_path: Path, name: str, what: str) -> None:
    run = made(tmp_path / "run", [])
    path = run.path / name
    (run.path / "firmware.elf").write_bytes(b"")
    if what == "link":
        path.symlink_to("/etc/passwd")
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "large":
        with path.open("wb") as file:
            file.truncate(1 << 40)
    else:
        path.write_text("[" * 100_000 if what == "deep" else "[]")
    read = {
        "image.json": artifacts.image_of,
        "device.json": artifacts.device_of,
        "measurement.json": artifacts.measurement_of,
        "model.json": lambda run: artifacts.document(run, "model.json", "quantize"),
    }[name]
    with pytest.raises((WrongUse, StepFailed)) as caught:
        read(run)
    assert str(path) in str(caught.value) or name in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "m\nbuild_src_flags = !sh -c 'touch x'"), ("name", "../x"), ("name", ""),
     ("float32_bytes", -1), ("float32_bytes", 2**70), ("input_dtype", "object"), ("more", 1)],
)  # fmt: skip
def test_model_json_holds_no_name_that_reaches_the_build(
    tmp_path: Path, field: str, value: object
) -> None:
    run = made(tmp_path / "run", [])
    good = {"name": "m", "source": "tflite", "method": "none", "float32_bytes": 4}
    (run.path / "model.json").write_text(json.dumps({**good, field: value}))
    with pytest.raises(WrongUse, match="is damaged"):
        artifacts.document(run, "model.json", "quantize")
