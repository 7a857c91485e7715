"""The Pareto front, against its definition."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.front import OBJECTIVES, Front, Tried, dominates, pareto
from pipeline.search.plot import front_svg


def tried(number: int, *values: float, state: str = "measured") -> Tried:
    figures = dict(zip(OBJECTIVES, values, strict=False))
    return Tried(number, state, f"magnitude:0.{number}", "balanced", figures, {})


def test_more_accuracy_and_less_of_the_rest_is_better() -> None:
    a, b = tried(0, 0.9, 100, 10, 10), tried(1, 0.8, 100, 10, 10)
    assert dominates(a, b, OBJECTIVES)
    assert not dominates(b, a, OBJECTIVES)
    assert not dominates(a, a, OBJECTIVES)
    cheaper = tried(2, 0.8, 50, 10, 10)
    assert not dominates(a, cheaper, OBJECTIVES)
    assert dominates(cheaper, b, OBJECTIVES)


def test_only_measured_trials_count_and_equal_ones_once() -> None:
    trials = [
        tried(0, 0.9, 100, 10, 10),
        tried(1, 0.9, 100, 10, 10),
        tried(2, 0.95, 200, 10, 10),
        tried(3, state="ended"),
        tried(4, state="running"),
        tried(5, 0.85, 150, 10, 10),
    ]
    assert pareto(trials, OBJECTIVES) == (2, 0)
    assert pareto([], OBJECTIVES) == ()


figures = st.tuples(
    st.sampled_from([0.5, 0.7, 0.9]), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)
)


@given(st.lists(figures, max_size=20))
def test_a_front_beats_everything_beside_it(rows: list[tuple[float, int, int, int]]) -> None:
    trials = [tried(i, *row) for i, row in enumerate(rows)]
    front = [trials[n] for n in pareto(trials, OBJECTIVES)]
    assert not any(dominates(a, b, OBJECTIVES) for a in front for b in front)
    for trial in trials:
        assert any(f.values == trial.values or dominates(f, trial, OBJECTIVES) for f in front)


def front_of(trials: list[Tried]) -> Front:
    return Front("net", "disco_f407vg", OBJECTIVES, tuple(trials), pareto(trials, OBJECTIVES))


def test_the_plot_is_an_svg_with_every_measured_trial() -> None:
    front = front_of(
        [tried(0, 0.9, 100, 10, 10), tried(1, 0.95, 5000, 12, 10), tried(2, 0.8, 300, 30, 10)]
    )
    root = ElementTree.fromstring(front_svg(front))
    circles = list(root.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == 2 * 3, "two panels"
    assert sum(c.get("class") == "front" for c in circles) == 2 * 2
    assert "magnitude:0.1" in front_svg(front)


def test_the_document_lists_the_front_first() -> None:
    front = front_of([tried(0, 0.9, 100, 10, 10), tried(1, 0.8, 100, 10, 10)])
    document = json.loads(json.dumps(front.to_json()))
    assert [point["number"] for point in document["front"]] == [0]
    assert [point["number"] for point in document["trials"]] == [0, 1]
    assert document["objectives"] == list(OBJECTIVES)
