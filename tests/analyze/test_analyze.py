"""What `analyze` says of a model, held against the program that is generated for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.analyze import Analysis, analyze
from pipeline.analyze.analysis import alive
from pipeline.analyze.estimates import TABLE, CoreFigures, figures_for
from pipeline.board import load_board
from pipeline.codegen import Target, compile_graph
from pipeline.codegen.program import Layer
from pipeline.convert import read_graph
from pipeline.errors import DoesNotFit, ModelError, WrongUse
from pipeline.load import FlatModel, load_model


@pytest.fixture(scope="module")
def kws(shared: Path) -> FlatModel:
    model = load_model(shared / "models/kws_ref_int8.tflite")
    assert isinstance(model, FlatModel)
    return model


@pytest.fixture(scope="module")
def found(kws: FlatModel) -> Analysis:
    return analyze(kws, "disco_f407vg")


def test_sizes_are_those_of_the_program(found: Analysis, kws: FlatModel) -> None:
    board = load_board("disco_f407vg")
    program = compile_graph(read_graph(kws), Target(board.core, frozenset(board.features)))
    assert found.ram.arena_bytes == program.arena_bytes
    assert found.flash.model_bytes == sum(layer.weight_bytes for layer in program.layers)
    assert found.macs == 2_656_768
    assert [layer.name for layer in found.layers] == [layer.name for layer in program.layers]
    assert sum(layer.share for layer in found.layers) == pytest.approx(1.0)
    assert found.fits


def test_the_map_covers_the_arena_and_only_outputs_reach_into_inputs(found: Analysis) -> None:
    assert max(block.offset + block.size for block in found.memory) == found.ram.arena_bytes
    assert found.arena_bound <= found.ram.arena_bytes
    for i, one in enumerate(found.memory):
        for other in found.memory[i + 1 :]:
            # An input may be overwritten while it is read for the last time.
            together = one.first < other.last and other.first < one.last
            apart = one.offset + one.size <= other.offset or other.offset + other.size <= one.offset
            assert not together or apart, (one, other)
    assert any(block.who == "input" and block.first == -1 for block in found.memory)
    assert any(block.who == "scratch of conv2d" for block in found.memory)


def test_the_fullest_layer_is_named(kws: FlatModel) -> None:
    found = analyze(kws, "disco_f407vg", optimize="size")
    use = [alive(found.memory, number) for number in range(len(found.layers))]
    assert max(use) == use[found.peak] == found.arena_bound <= found.ram.arena_bytes
    # Outputs lie over their inputs: together they are more than the arena.
    assert any(
        sum(b.size for b in found.memory if b.first <= n <= b.last) > found.ram.arena_bytes
        for n in range(len(found.layers))
    )


def test_a_limit_on_the_arena_is_kept(kws: FlatModel) -> None:
    free = analyze(kws, "disco_f407vg", optimize="speed")
    held = analyze(kws, "disco_f407vg", optimize="speed", ram_limit="9.4KB")
    assert held.ram.arena_bytes <= 9.4 * 1024 < free.ram.arena_bytes
    assert held.instructions > free.instructions
    with pytest.raises(DoesNotFit, match=r"layer \d+ \(\w+\) alone needs .*live: .*conv2d 8,000"):
        analyze(kws, "disco_f407vg", ram_limit=8000)
    with pytest.raises(WrongUse, match="not a size"):
        analyze(kws, "disco_f407vg", ram_limit="much")


def test_a_board_too_small_is_named_with_those_that_would_do(shared: Path) -> None:
    found = analyze(shared / "models/ad01_int8.tflite", "bbcmicrobit")
    assert not found.fits
    assert "flash overflows" in found.problems[0]
    assert "disco_f407vg" in found.would_fit
    assert "bbcmicrobit" not in found.would_fit
    # It has 16 KiB of RAM, of which 2 KiB are stack.
    assert any("RAM" in problem for problem in analyze(
        shared / "models/ic01_resnet8_int8.tflite", "bbcmicrobit").problems)  # fmt: skip


def test_the_json_holds_it_all(found: Analysis) -> None:
    document = json.loads(json.dumps(found.to_json()))
    assert document["fits"] is True
    assert document["flash"]["total"] == found.flash.total
    assert document["layers"][0]["instructions"] > 0


def test_a_tflite_is_not_pruned(kws: FlatModel) -> None:
    with pytest.raises(WrongUse, match="can't be pruned"):
        analyze(kws, "disco_f407vg", prune="magnitude:0.5")


def test_no_model(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"hello, this is text")
    with pytest.raises(ModelError):
        analyze(tmp_path / "m.tflite", "disco_f407vg")


def test_an_unmeasured_kernel_counts_as_its_cost_model_says() -> None:
    layer = Layer(0, "CONV_2D", "a", 10, "some_kernel", estimate=1000, elements=20)
    assert CoreFigures().instructions(layer) == 1000
    assert CoreFigures(kernels={"some_kernel": (0.5, 2.0, 30.0)}).instructions(layer) == 570


def test_the_table_is_whole() -> None:
    assert TABLE.is_file()
    board = load_board("disco_f407vg")
    figures = figures_for(board)
    assert figures.base_code > 5000
    assert 0 < figures.accuracy["instructions"] < 0.5
