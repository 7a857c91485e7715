"""Which kernels are taken: by goal, within a limit, and in which order the ops run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_lab import Case, check, graph_of, random_inputs
from networks import Net

from pipeline.board import Board, load_board
from pipeline.codegen import (
    Program,
    Target,
    compile_graph,
    generate,
    held_inputs,
    size_limit,
)
from pipeline.codegen.compile import prepare
from pipeline.codegen.generate import OTHER_RAM_BYTES
from pipeline.convert import Graph
from pipeline.errors import DoesNotFit, WrongUse

DSP = Target("cortex-m4", frozenset({"dsp"}))


def residual() -> bytes:
    """A block whose shortcut makes its tensor smaller, written the long way round first."""
    net = Net(3)
    x = net.input(1, 16, 16, 8)
    x = net.conv(x, 16, (3, 3))
    y = net.conv(x, 16, (3, 3), stride=2)
    y = net.conv(y, 16, (3, 3), act=0)
    shortcut = net.conv(x, 16, (1, 1), stride=2, act=0)
    return net.bytes(net.two("ADD", y, shortcut))


@pytest.fixture(scope="module")
def graph() -> Graph:
    return graph_of(residual())


def instructions(program: Program) -> int:
    return sum(layer.estimate for layer in program.layers)


def test_goals_pay_for_memory_in_order(graph: Graph) -> None:
    speed, balanced, size = (compile_graph(graph, DSP, g) for g in ("speed", "balanced", "size"))
    assert size.arena_bytes <= balanced.arena_bytes <= speed.arena_bytes
    assert instructions(speed) <= instructions(balanced)
    assert size.arena_bytes < speed.arena_bytes
    assert instructions(size) <= 1.3 * instructions(balanced)
    assert instructions(balanced) <= 1.1 * instructions(speed)


def test_a_limit_is_kept_at_the_least_cost(graph: Graph) -> None:
    free = compile_graph(graph, DSP, "speed")
    costs = []
    limit = free.arena_bytes
    while True:
        try:
            program = compile_graph(graph, DSP, "speed", ram_limit=limit)
        except DoesNotFit as error:
            smallest = int(error.hint.split()[1])
            break
        assert program.arena_bytes <= limit
        costs.append(instructions(program))
        limit = program.arena_bytes - 1
    assert costs == sorted(costs)
    assert len(costs) > 2
    assert compile_graph(graph, DSP, "speed", ram_limit=smallest).arena_bytes <= smallest


@pytest.mark.slow
def test_limited_programs_are_bit_identical() -> None:
    model = residual()
    runs = random_inputs(model, 2)
    check(
        [
            Case(model, runs, f"limit {limit}", DSP, "speed", keep_inputs=False, tensors=True,
                 ram_limit=limit, guarded=True)
            for limit in (9000, 8000, 7500)
        ]
    )  # fmt: skip


def test_what_does_not_fit_names_the_layer(graph: Graph) -> None:
    with pytest.raises(DoesNotFit) as caught:
        compile_graph(graph, DSP, ram_limit=1000)
    error = caught.value
    assert error.where.startswith("conv_")
    assert "1,000 are allowed" in error.what
    assert "live: " in error.what
    assert "scratch " in error.what
    assert error.hint.startswith("--ram-limit ")
    assert error.exit_code == 3


def test_a_shortcut_that_shrinks_goes_before_the_longer_way_ends(graph: Graph) -> None:
    kernels = [graph.tensors[op.inputs[1]].shape[1] for op in graph.ops[:-1]]
    ordered = [graph.tensors[op.inputs[1]].shape[1] for op in prepare(graph).graph.ops[:-1]]
    assert kernels == [3, 3, 3, 1]
    assert ordered[-1] == 3


def test_an_order_that_is_as_good_stays() -> None:
    net = Net(1)
    x = net.input(1, 6, 6, 4)
    a, b = net.conv(x, 4, (3, 3)), net.conv(x, 4, (3, 3))
    plain = graph_of(net.bytes(net.two("ADD", a, b)))
    assert [op.outputs for op in prepare(plain, ()).graph.ops] == [op.outputs for op in plain.ops]


def test_inputs_are_kept_where_that_costs_nothing() -> None:
    net = Net(2)
    x = net.input(1, 4, 4, 2)
    y = net.conv(x, 8, (3, 3))
    graph = graph_of(net.bytes(net.conv(y, 2, (3, 3), stride=4)))
    kept = compile_graph(graph, DSP)
    lost = compile_graph(graph, DSP, keep_inputs=False)
    assert kept.keeps_inputs == (
        compile_graph(graph, DSP, keep_inputs=True).arena_bytes <= lost.arena_bytes
    )


def test_the_monitor_holds_inputs_that_are_lost(graph: Graph) -> None:
    board = load_board("disco_f407vg")
    program = generate(graph, board, "balanced")
    assert not program.keeps_inputs
    size = int(np.prod(graph.tensors[graph.inputs[0]].shape))
    assert held_inputs(graph, board, program, "balanced") == {"MONITOR_DB_BYTES": size}
    assert held_inputs(graph, board, program, "size") == {}
    full = replace(board, ram=replace(board.ram, bytes=board.stack_bytes + program.arena_bytes))
    assert held_inputs(graph, full, program, "balanced") == {}


def test_a_board_with_little_memory_gets_kernels_that_fit() -> None:
    """The goal gives way to the board, not to a limit that can't be kept."""
    net = Net(5)
    x = net.conv(net.input(1, 20, 20, 8), 8, (3, 3))
    x = net.conv(net.conv(x, 8, (3, 3)), 8, (3, 3))
    graph = graph_of(net.bytes(net.conv(x, 4, (3, 3), stride=2)))
    large = load_board("disco_f407vg")
    free = generate(graph, large, "speed")
    assert free.arena_bytes < large.ram.bytes

    def board_with(room: int) -> Board:
        ram = replace(large.ram, bytes=room + large.stack_bytes + OTHER_RAM_BYTES)
        return replace(large, ram=ram)

    tight = generate(graph, board_with(free.arena_bytes - 1), "speed")
    assert tight.arena_bytes < free.arena_bytes
    assert instructions(tight) >= instructions(free)
    # Whether it fits after all is not decided here: the program is the goal's own.
    assert generate(graph, board_with(100), "speed") == free
    with pytest.raises(DoesNotFit):
        generate(graph, large, "speed", "1KB")


@pytest.mark.parametrize(
    ("name", "balanced", "size"),
    [
        ("kws_ref_int8", 17_000, 10_000),
        ("ic01_resnet8_int8", 58_000, 40_000),
        ("ad01_int8", 1_000, 1_000),
    ],
)
def test_arenas_of_the_shared_models(name: str, balanced: int, size: int, shared: Path) -> None:
    model = (shared / "models" / f"{name}.tflite").read_bytes()
    programs = {goal: compile_graph(graph_of(model), DSP, goal) for goal in ("balanced", "size")}
    assert programs["balanced"].arena_bytes <= balanced
    assert programs["size"].arena_bytes <= size
    assert instructions(programs["size"]) <= 1.3 * instructions(programs["balanced"])


@pytest.mark.slow
def test_shared_models_in_guarded_memory(shared: Path) -> None:
    cases = []
    for name in ("kws_ref_int8", "ad01_int8"):
        model = (shared / "models" / f"{name}.tflite").read_bytes()
        cases.append(
            Case(model, random_inputs(model, 1), name, DSP, "size", keep_inputs=False,
                 tensors=True, guarded=True)
        )  # fmt: skip
    check(cases)


@pytest.mark.parametrize(
    ("text", "size"), [(None, None), ("", None), (1000, 1000), ("20KB", 20480), ("1.5 kib", 1536)]
)
def test_sizes(text: int | str | None, size: int | None) -> None:
    assert size_limit(text) == size


@pytest.mark.parametrize("text", ["much", "0", "-3", "10%", "1GB"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(WrongUse, match="not a size"):
        size_limit(text)
