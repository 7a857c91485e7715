"""Two results side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_reports import make_report

from pipeline.errors import AccuracyGate, PerformanceGate, WrongUse
from pipeline.report.compare import Figure, compare, name_of, number
from pipeline.report.document import LatencyFacts
from pipeline.report.gates import Gates, parse_gates

GATES = parse_gates(max_slowdown="2%", max_drop="0.5", max_flash="+1KB", max_ram="+0", parity=True)


def figure(name: str, found: tuple[Figure, ...]) -> Figure:
    return next(f for f in found if f.name == name)


def test_the_same_result_passes_every_gate() -> None:
    done = compare([make_report()], [make_report()], GATES)
    (pair,) = done.pairs
    assert done.error is None
    assert pair.conditions == ()
    assert [f.name for f in pair.figures if f.verdict == "pass"] == [
        "accuracy", "identical outputs", "latency", "flash", "RAM",
    ]  # fmt: skip
    assert all(f.change == 0 for f in pair.figures)


@pytest.mark.parametrize(
    ("worse", "error", "text"),
    [
        ({"cost": 3_060_001}, PerformanceGate, "latency 3,000,000 -> 3,060,001 instructions"),
        (
            {"flash": 61_025},
            PerformanceGate,
            "flash 60,000 -> 61,025 bytes, the gate is at most 1KB more",
        ),
        ({"ram": 24_001}, PerformanceGate, "RAM 24,000 -> 24,001 bytes"),
        (
            {"accuracy": 0.89},
            AccuracyGate,
            "accuracy 90.00 -> 89.00 %, the gate is at most 0.5 points less",
        ),
        ({"identical": 99}, AccuracyGate, "identical outputs are 99 of 100"),
        ({"identical": None}, AccuracyGate, "identical outputs are an unknown number of 100"),
        ({"accuracy": None}, AccuracyGate, "accuracy was not measured"),
        ({"accuracy": 0.5, "cost": 9_000_000}, AccuracyGate, "latency"),
    ],
)
def test_worse_than_the_gate(worse: dict[str, int], error: type[Exception], text: str) -> None:
    done = compare([make_report()], [make_report(**worse)], GATES)  # type: ignore[arg-type]
    assert isinstance(done.error, error)
    assert text in str(done.error)
    assert done.to_json()["exit_code"] == done.error.exit_code
    assert compare([make_report()], [make_report(**worse)]).error is None  # type: ignore[arg-type]


def test_better_passes() -> None:
    better = make_report(cost=1, flash=40_000, ram=1, accuracy=1.0)
    assert compare([make_report()], [better], GATES).error is None


def test_differing_conditions_are_said() -> None:
    before = make_report(environment={"compiler": "gcc 12.2.1", "git": "abc", "flags": "-O2"})
    after = make_report(
        environment={"compiler": "gcc 13.1.0", "git": "def"}, engine="tflm", on="renode"
    )
    (pair,) = compare([before], [after]).pairs
    said = {c.name: (c.before, c.after) for c in pair.conditions}
    assert said == {
        "compiler": ("gcc 12.2.1", "gcc 13.1.0"),
        "engine": ("aot", "tflm"),
        "on": ("qemu", "renode"),
        "flags": ("-O2", "unknown"),
    }


def test_cycles_and_instructions_are_not_compared() -> None:
    board = make_report(on="probe", latency=LatencyFacts(9, "cycles", 1, 2, 3, 0.1))
    (pair,) = compare([make_report()], [board]).pairs
    latency = figure("latency", pair.figures)
    assert latency.change is None
    assert latency.relative is None
    assert pair.layers == ()
    error = compare([make_report()], [board], parse_gates(max_slowdown="2%")).error
    assert isinstance(error, PerformanceGate)
    assert "not the same thing" in str(error)


def test_boards_are_compared_in_time_too() -> None:
    slow = make_report(on="probe", latency=LatencyFacts(9, "cycles", 1, 2, 3, 0.02))
    fast = make_report(on="probe", latency=LatencyFacts(9, "cycles", 1, 2, 3, 0.01))
    (pair,) = compare([slow], [fast]).pairs
    assert figure("latency in time", pair.figures).relative == pytest.approx(-0.5)


def test_layers_are_paired_by_op_and_name() -> None:
    (pair,) = compare([make_report(layers=4)], [make_report(layers=5)]).pairs
    assert [(c.name, c.before, c.after) for c in pair.layers] == [
        (f"layer{i}", 750_000, 600_000) for i in range(4)
    ]


def test_sets_are_paired_by_what_they_are_of() -> None:
    before = [make_report("a"), make_report("b"), make_report("c", engine="tflm")]
    after = [make_report("c", engine="aot"), make_report("b", cost=1), make_report("a")]
    done = compare(before, after)
    assert [pair.name for pair in done.pairs] == [
        "a disco_f407vg aot qemu", "b disco_f407vg aot qemu",
    ]  # fmt: skip
    assert done.missing == ("c disco_f407vg tflm qemu",)
    assert done.new == ("c disco_f407vg aot qemu",)
    assert done.error is None


def test_a_missing_result_fails_the_gates() -> None:
    both = [make_report("a"), make_report("b")]
    other = [make_report("a"), make_report("c")]
    error = compare(both, other, Gates(parity=True)).error
    assert isinstance(error, AccuracyGate)
    assert "b disco_f407vg aot qemu: no result to compare" in str(error)


def test_one_result_against_a_baseline_of_many() -> None:
    baseline = [make_report("a"), make_report("b")]
    done = compare(baseline, [make_report("b", cost=9)], GATES)
    assert [pair.name for pair in done.pairs] == ["b disco_f407vg aot qemu"]
    assert done.missing == ()
    assert done.error is None


def test_nothing_in_common() -> None:
    with pytest.raises(WrongUse, match="no result in common"):
        compare([make_report("a"), make_report("b")], [make_report("c")])


def test_a_name_says_what_is_special() -> None:
    plain = make_report()
    pruned = replace(plain, compression=replace(plain.compression, method="magnitude:0.75"))
    assert name_of(plain) == "kws disco_f407vg aot qemu"
    assert name_of(pruned) == "kws disco_f407vg aot qemu magnitude:0.75"
    assert name_of(make_report(environment={"optimize": "size"})).endswith(" size")


def test_numbers_are_written_as_people_do() -> None:
    assert number(90.1, "%") == "90.10"
    assert number(1234567, "bytes") == "1,234,567"
    assert number(None, "%") == "-"
