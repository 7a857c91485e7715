"""Names of other people: shown on a terminal, in HTML, Markdown and CI files, and not obeyed."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from sample_reports import make_report

from pipeline.cli.console import clean
from pipeline.errors import WrongUse
from pipeline.report.ci import init_ci
from pipeline.report.compare import compare
from pipeline.report.html import page
from pipeline.report.markdown import markdown
from pipeline.run import private_folder
from pipeline.testing import rig

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e<script>alert(1)</script>[/red]`|@all"


def test_controls_are_shown_as_codes() -> None:
    assert clean("a\tb\nc é 模型") == "a\tb\nc é 模型"
    shown = clean(HOSTILE + "\r\x00\x7f\u2066\ud800")
    assert shown.isprintable()
    assert r"\x1b]0;owned\x07" in shown and r"\u202e" in shown and r"\ud800" in shown


def hostile_report(tmp_path: Path) -> Path:
    report = make_report(HOSTILE)
    layers = tuple(replace(layer, name=HOSTILE, op=HOSTILE) for layer in report.layers)
    path = tmp_path / "report.json"
    replace(report, layers=layers, environment={HOSTILE: HOSTILE}).write(path)
    return path


def test_a_comparison_of_hostile_names(mcu, tmp_path: Path) -> None:
    path = hostile_report(tmp_path)
    other = make_report("kws", cost=4_000_000)
    other.write(tmp_path / "other.json")
    for more in ([], ["--markdown"], ["--json"]):
        ran = mcu("compare", tmp_path / "other.json", path, *more, "--html", "x.html")
        assert ran.code == 0, ran.err
        assert not set("\x1b\x07\x9b\u202e") & set(ran.out + ran.err)
    html = (tmp_path / "x.html").read_text()
    assert "<script>alert" not in html and not set("\x1b\x07\x9b\u202e") & set(html)


def test_markdown_of_hostile_names(tmp_path: Path) -> None:
    report = make_report(HOSTILE)
    text = markdown(compare([make_report("a")], [replace(report, environment={HOSTILE: "x"})]))
    assert "<script>" not in text and "\x1b" not in text
    assert "<script>" not in page([report], title=HOSTILE)


@pytest.mark.parametrize(
    "name",
    ["${{ github.token }}.tflite", "a\n  - run: evil.tflite", "$[[ inputs.x ]].tflite",
     "\u2028.tflite"],
)  # fmt: skip
def test_ci_files_take_no_expression(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(WrongUse, match="can't stand in a CI file"):
        init_ci(tmp_path, [], "mps2_an386")
    (tmp_path / name).rename(tmp_path / "good.tflite")
    for more in ({"data": [name]}, {"tests": name}, {"package": name}):
        with pytest.raises(WrongUse, match="can't stand in a CI file"):
            init_ci(tmp_path, [], "mps2_an386", **more)  # type: ignore[arg-type]


def test_a_model_that_looks_like_an_option_is_none(tmp_path: Path) -> None:
    (tmp_path / "--db=x.tflite").write_bytes(b"")
    (workflow, _) = init_ci(tmp_path, [], "mps2_an386")
    assert " ./--db=x.tflite " in workflow.read_text()


@pytest.mark.parametrize("kind", ["fifo", "device", "socket"])
@pytest.mark.parametrize(
    "command",
    [["convert"], ["analyze", "-b", "mps2_an386"], ["quantize"], ["render", "-b", "mps2_an386"],
     ["compare", "x.json"]],
    ids=lambda words: words[0],
)  # fmt: skip
def test_what_is_no_file_is_refused_at_once(
    mcu, tmp_path: Path, kind: str, command: list[str]
) -> None:
    path = tmp_path / "input"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        import socket

        socket.socket(socket.AF_UNIX).bind(str(path))
    else:
        path = Path("/dev/zero")
    make_report().write(tmp_path / "x.json")
    ran = mcu(*command, path)
    assert ran.code == 2, ran.err
    assert str(path) in ran.err


def test_a_board_s_lock_lies_in_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert stat.S_IMODE(private_folder().stat().st_mode) & 0o022 == 0
    (tmp_path / "canary").write_text("mine")
    (tmp_path / "lock").symlink_to(tmp_path / "canary")
    with pytest.raises(OSError), rig._lock(tmp_path / "lock"):
        raise AssertionError
    assert (tmp_path / "canary").read_text() == "mine"


def test_a_private_folder_of_somebody_else_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.run import private

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "state/mcu-pipeline").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(private.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    assert private_folder() == tmp_path / "tmp" / f"mcu-{os.getuid()}"
