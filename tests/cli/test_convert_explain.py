"""`mcu convert --explain` as a person and as a machine meet it."""

from __future__ import annotations

import sys
from pathlib import Path


def pruned() -> bytes:
    """Two convolutions of 1 x 1; of the 8 channels between them 4 are empty."""
    tests = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(tests / "runtime"), str(tests / "codegen")]
    from networks import Net

    net = Net(1)
    x = net.conv(net.input(1, 6, 6, 3), 8, dead=[0, 1, 2, 3])
    return net.bytes(net.conv(x, 4))


def test_a_person_reads_kernels_views_and_the_arena(mcu, shared: Path) -> None:
    ran = mcu("convert", shared / "models/kws_ref_int8.tflite", "--out", "run", "--explain")
    assert ran.code == 0, ran.err
    for words in (
        "on disco_f407vg (cortex-m4), optimised for balanced: 13 ops, 1 of them without code",
        "instructions per inference; ",
        "> dsp ",
        "  portable ",
        "others are not for this core or this shape",
        "no code: the output is the input's memory under another shape",
        "in the arena at",
        "  arena:",
    ):
        assert words in ran.out


def test_a_machine_gets_every_candidate(mcu, shared: Path) -> None:
    model = shared / "models/kws_ref_int8.tflite"
    ran = mcu("convert", model, "--out", "run", "--explain", "-b", "mps2_an385", "--json")
    assert ran.code == 0, ran.err
    found = ran.json["explain"]
    assert (found["board"], found["core"]) == ("mps2_an385", "cortex-m3")
    assert 0 < found["instructions"] <= found["portable_instructions"]
    assert len(found["ops"]) == len(ran.json["ops"]) == 13
    for op in found["ops"]:
        assert sum(c["chosen"] for c in op["candidates"]) == (op["layer"] is not None)
    assert "dsp 2x4 tile" in found["ops"][0]["unfit"]
    assert max(p["offset"] + p["size"] for p in found["placements"]) <= found["arena_bytes"]


def test_it_says_what_graph_passes_saved(mcu, tmp_path: Path) -> None:
    (tmp_path / "pruned.tflite").write_bytes(pruned())
    ran = mcu("convert", "pruned.tflite", "--out", "run", "--explain")
    assert ran.code == 0, ran.err
    for words in (
        "graph passes",
        "channels: channels without effect",
        "CONV_2D conv_1: 4 of 8 channels are left",
        "CONV_2D conv_2: 4 of 8 inputs are left",
    ):
        assert words in ran.out
    (done,) = mcu("convert", "pruned.tflite", "--out", "run", "--explain", "--json").json[
        "explain"
    ]["passes"]
    macs = 36 * 3 * 4 + 36 * 4 * 4
    assert (done["name"], done["macs"], done["ops"]) == ("channels", macs, 0)
    assert [note["layer"] for note in done["notes"]] == ["conv_1", "conv_2"]


def test_without_passes_the_ops_stay_as_they_are(mcu, tmp_path: Path) -> None:
    (tmp_path / "pruned.tflite").write_bytes(pruned())
    found = mcu("convert", "pruned.tflite", "--out", "run", "--explain", "--no-passes", "--json")
    assert found.json["explain"]["passes"] == []
    assert mcu("convert", "pruned.tflite", "--out", "run", "--no-passes").code == 2


def test_without_it_nothing_is_compiled(mcu, shared: Path) -> None:
    ran = mcu("convert", shared / "models/ad01_int8.tflite", "--out", "run", "--json")
    assert "explain" not in ran.json


def test_wrong_use_leaves_nothing(mcu, shared: Path, tmp_path: Path) -> None:
    model = shared / "models/ad01_int8.tflite"
    ran = mcu("convert", model, "--out", "run", "--explain", "--board", "disco_f407")
    assert ran.code == 2
    assert "disco_f407vg" in ran.err
    assert mcu("convert", model, "--out", "run", "--explain", "--optimize", "all").code == 2
    assert not (tmp_path / "run").exists()
