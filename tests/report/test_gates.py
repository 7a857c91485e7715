"""Bounds as people write them."""

from __future__ import annotations

import pytest

from pipeline.errors import WrongUse
from pipeline.report.gates import Gates, parse_gates


@pytest.mark.parametrize(
    ("option", "text", "before", "just", "beyond"),
    [
        ("max_slowdown", "2%", 1000, 1020, 1021),
        ("max_slowdown", "+0.5 %", 1000, 1005, 1006),
        ("max_slowdown", "0%", 1000, 1000, 1001),
        ("max_flash", "+1KB", 1000, 2024, 2025),
        ("max_flash", "+1 KiB", 1000, 2024, 2025),
        ("max_flash", "+12", 1000, 1012, 1013),
        ("max_flash", "64K", 1000, 65536, 65537),
        ("max_flash", "1MB", 1000, 1 << 20, (1 << 20) + 1),
        ("max_ram", "10%", 1000, 1100, 1101),
        ("max_ram", "512B", 1000, 512, 513),
        ("max_drop", "0.5", 90.0, 89.5, 89.49),
        ("max_drop", "0", 90.0, 90.0, 89.99),
    ],
)
def test_a_bound_holds_just_up_to_itself(
    option: str, text: str, before: float, just: float, beyond: float
) -> None:
    gates = parse_gates(**{option: text})  # type: ignore[arg-type]
    limit = getattr(gates, option.removeprefix("max_"))
    assert limit.holds(before, just)
    assert not limit.holds(before, beyond)


def test_better_always_holds() -> None:
    gates = parse_gates(max_slowdown="0%", max_drop="0", max_flash="+0", max_ram="0%")
    assert gates.slowdown and gates.slowdown.holds(100, 50)
    assert gates.drop and gates.drop.holds(90, 95)
    assert gates.flash and gates.flash.holds(100, 50)
    assert gates.ram and gates.ram.holds(100, 50)


def test_a_drop_that_floats_can_not_hold_exactly() -> None:
    gates = parse_gates(max_drop="0.1")
    assert gates.drop and gates.drop.holds(100 * 0.901, 100 * 0.9)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("max_slowdown", "2"),
        ("max_slowdown", "-2%"),
        ("max_slowdown", "fast"),
        ("max_drop", "0.5%"),
        ("max_drop", "-1"),
        ("max_flash", "-1KB"),
        ("max_flash", "1GB"),
        ("max_ram", ""),
    ],
)
def test_what_is_no_bound(option: str, text: str) -> None:
    with pytest.raises(WrongUse) as caught:
        parse_gates(**{option: text})  # type: ignore[arg-type]
    assert caught.value.where == f"--{option.replace('_', '-')}"
    assert caught.value.hint


def test_no_gate_is_no_gate() -> None:
    assert not Gates().any
    assert Gates(parity=True).any
    assert parse_gates(max_ram="1KB").any
