"""`mcu ci init`."""

from __future__ import annotations

from pathlib import Path


def test_it_says_what_it_wrote(mcu, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_text("")
    ran = mcu("ci", "init", "--board", "mps2_an386", "--data", "random")
    assert ran.code == 0
    assert "wrote .github/workflows/mcu.yml" in ran.out
    assert (tmp_path / ".gitlab-ci.yml").is_file()
    again = mcu("ci", "init", "--board", "mps2_an386", "--json")
    assert again.code == 2
    assert "--force" in again.json["error"]["hint"]
    forced = mcu("ci", "init", "--board", "mps2_an386", "--json", "--force", "--only", "gitlab")
    assert forced.json == {"written": [".gitlab-ci.yml"]}


def test_help_has_examples(mcu) -> None:
    assert "Set up continuous integration" in mcu("ci", "--help").out
    assert "  mcu ci init" in mcu("ci", "init", "--help").out
    assert mcu("ci", "init").code == 2
