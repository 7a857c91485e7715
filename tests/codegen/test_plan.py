"""The memory planner: nothing that is needed together overlaps, and little is wasted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.codegen.plan import Buffer, lower_bound, plan

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
