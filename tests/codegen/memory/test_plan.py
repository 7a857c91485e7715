"""The memory planner: nothing that is needed together overlaps, and little is wasted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.codegen.memory.overlap import Overlap
from pipeline.codegen.memory.plan import Buffer, lower_bound, plan

buffers = st.lists(
    st.tuples(st.integers(1, 5000), st.integers(-1, 12), st.integers(0, 12)), max_size=20
).map(
    lambda rows: [
        Buffer(f"b{i}", size, first, first + length) for i, (size, first, length) in enumerate(rows)
    ]
)


@given(buffers, st.sampled_from([4, 16]))
def test_a_plan_is_sound(made: list[Buffer], align: int) -> None:
    result = plan(made, align)
    assert set(result.offsets) == {b.key for b in made}
    for a in made:
        start = result.offsets[a.key]
        assert start % align == 0
        assert start + a.size <= result.size
        for b in made:
            if a is not b and a.meets(b):
                other = result.offsets[b.key]
                assert start + a.size <= other or other + b.size <= start
    assert result.bound == lower_bound(made, align)
    assert result.size <= sum(b.size + align for b in made)


def test_a_chain_takes_the_two_largest_neighbours() -> None:
    sizes = [100, 400, 200, 800, 400, 40]
    chain = [Buffer(str(i), size, i - 1, i) for i, size in enumerate(sizes)]
    assert plan(chain, 4).size == 1200


def test_no_buffers() -> None:
    assert plan([], 4).size == 0


def test_same_plan_twice() -> None:
    made = [Buffer(str(i), 37 * i % 101 + 1, i % 7, i % 7 + i % 3) for i in range(40)]
    assert plan(made, 4) == plan(made, 4)


pairings = st.tuples(
    st.integers(-200, 300), st.booleans(), st.integers(-60, 60), st.integers(1, 40)
).map(lambda row: Overlap(0, None if row[1] else row[0], row[2] * row[3], row[3] if row[1] else 0))


@given(buffers, st.data(), st.sampled_from([4, 16]))
def test_outputs_overlap_inputs_only_as_they_may(
    made: list[Buffer], data: st.DataObject, align: int
) -> None:
    pairs = {
        (a.key, b.key): data.draw(pairings)
        for a in made
        for b in made
        if a is not b and a.first == b.last and b.first < a.first and a.last > a.first
    }
    result = plan(made, align, pairs)
    for a in made:
        start = result.offsets[a.key]
        assert start % align == 0
        assert start >= 0
        assert start + a.size <= result.size
        for b in made:
            other = result.offsets[b.key]
            together = a is not b and a.meets(b)
            if not together or start + a.size <= other or other + b.size <= start:
                continue
            if (a.key, b.key) in pairs:
                assert pairs[a.key, b.key].allows(other - start)
            else:
                assert pairs[b.key, a.key].allows(start - other)
    assert lower_bound(made, align, pairs) <= lower_bound(made, align)
    assert result.size <= sum(b.size + align for b in made)


def test_a_chain_that_moves_down_takes_one_tensor_and_its_steps() -> None:
    chain = [Buffer(str(i), 400, i - 1, i) for i in range(5)]
    pairs = {(str(i), str(i - 1)): Overlap(0, least=40) for i in range(1, 5)}
    assert plan(chain, 4, pairs).size == 400 + 4 * 40
    assert plan(chain, 4, pairs).bound == 440


def test_a_growing_output_takes_its_input_in() -> None:
    chain = [Buffer("input", 100, -1, 0), Buffer("output", 800, 0, 1)]
    assert plan(chain, 4, {("output", "input"): Overlap(0, least=690)}).size == 800
    assert plan(chain, 4, {("output", "input"): Overlap(0, least=710)}).size == 812
