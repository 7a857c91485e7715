"""write_c_array: the files, their contents, and what goes wrong."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from test_reader import dense

from pipeline.convert import write_c_array
from pipeline.errors import ModelError, StepFailed
from pipeline.load.flatmodel import FlatModel

MODEL = FlatModel("m", dense().bytes())


def test_holds_the_model(tmp_path: Path) -> None:
    array = write_c_array(MODEL, tmp_path / "new")
    text = array.source.read_text()
    values = re.findall(r"0x([0-9a-f]{2}),", text)
    assert bytes(int(v, 16) for v in values) == MODEL.content
    assert (array.length, array.sha256) == (len(MODEL.content), MODEL.sha256)
    assert MODEL.sha256 in text
    assert MODEL.sha256 in array.header.read_text()
    assert "alignas(16) const unsigned char g_model[" in text
    assert sorted(p.name for p in array.source.parent.iterdir()) == [
        "model_data.c",
        "model_data.h",
    ]


def test_same_bytes_twice(tmp_path: Path) -> None:
    first, second = write_c_array(MODEL, tmp_path / "a"), write_c_array(MODEL, tmp_path / "b")
    assert first.source.read_bytes() == second.source.read_bytes()
    assert first.header.read_bytes() == second.header.read_bytes()


@pytest.mark.parametrize("language", [["c", "-std=c11"], ["c++", "-std=c++11"]])
def test_valid_c_and_cpp(language: list[str], tmp_path: Path) -> None:
    array = write_c_array(MODEL, tmp_path)
    main = tmp_path / "main.c"
    main.write_text(
        '#include "model_data.h"\n#include <stdint.h>\n#include <string.h>\n'
        "int main(void)\n{\n"
        f"    return g_model_len != {len(MODEL.content)}u || (uintptr_t)g_model % 16u != 0u ||\n"
        f'           strcmp(g_model_sha256, "{MODEL.sha256}") != 0;\n}}\n'
    )
    program = tmp_path / "main"
    kind, standard = language
    subprocess.run(
        ["gcc" if kind == "c" else "g++", "-x", kind, standard, "-Wall", "-Wextra", "-Wpedantic",
         "-Werror", str(array.source), str(main), "-o", str(program)],
        check=True,
    )  # fmt: skip
    subprocess.run([str(program)], check=True)


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        write_c_array(FlatModel("m", b"no model at all, but long"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StepFailed) as caught:
        write_c_array(MODEL, tmp_path / "file")
    assert caught.value.hint


def test_nothing_is_left_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StepFailed, match="No space left"):
        write_c_array(MODEL, tmp_path)
    assert list(tmp_path.iterdir()) == []
