"""A comparison for people in a pull request, and for CI servers."""

from __future__ import annotations

from xml.etree import ElementTree

from sample_reports import make_report

from pipeline.report.compare import compare
from pipeline.report.gates import Gates, parse_gates
from pipeline.report.junit import Case, cases_of, junit
from pipeline.report.markdown import MARKER, markdown

GATES = parse_gates(max_slowdown="2%", max_flash="+1KB")


def test_markdown_says_the_verdict_first() -> None:
    text = markdown(compare([make_report()], [make_report(cost=3_300_000)], GATES))
    lines = text.splitlines()
    assert lines[0] == MARKER
    assert lines[1] == "## Microcontroller benchmark: 1 gate failed"
    assert lines[3] == (
        "- **kws disco\\_f407vg aot qemu**: latency 3,000,000 -> 3,300,000 instructions, "
        "the gate is at most 2% more"
    )
    assert "| **3,300,000 (+10.0 %)** failed |" in text
    assert "| flash | bytes | 60,000 | 60,000 | the same | at most 1KB more: pass |" in text


def test_markdown_without_gates() -> None:
    text = markdown(compare([make_report()], [make_report(cost=2_700_000, accuracy=0.91)]))
    assert "benchmark: no gates" in text
    assert "91.00 (+1.00 points)" in text
    assert "| 0 layer0 (CONV\\_2D) | 375,000 | 337,500 |" in text.replace(
        "(CONV_2D)", "(CONV\\_2D)"
    )


def test_markdown_says_differing_conditions_and_commits() -> None:
    before = make_report(environment={"compiler": "gcc 12", "git": "aaa"})
    after = make_report(environment={"compiler": "gcc 13", "git": "bbb"})
    text = markdown(compare([before], [after], GATES))
    assert "all gates passed" in text
    assert "(conditions differ)" in text
    assert "- compiler: `gcc 12` before, `gcc 13` now" in text
    assert "Commits: `aaa` before, `bbb` now." in text


def test_markdown_names_what_is_missing_and_new() -> None:
    text = markdown(
        compare([make_report("a"), make_report("b")], [make_report("a"), make_report("c")], GATES)
    )
    assert "- **b disco\\_f407vg aot qemu**: was there before, has no result now" in text
    assert "New: c disco\\_f407vg aot qemu." in text
    assert "1 gate failed" in text


def test_markdown_is_not_broken_by_names() -> None:
    text = markdown(compare([make_report("a|b <c>")], [make_report("a|b <c>")]))
    assert "a&#124;b &#60;c>" in text
    row = next(line for line in text.splitlines() if line.startswith("| a&"))
    assert row.count("|") == 6


def test_junit_has_a_case_per_gate() -> None:
    done = compare([make_report()], [make_report(cost=9_000_000)], GATES)
    (suite,) = ElementTree.fromstring(junit("mcu compare", cases_of(done)))
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    latency, flash = suite
    assert latency.attrib["name"] == "latency: at most 2% more"
    assert latency.attrib["classname"] == "kws disco_f407vg aot qemu"
    assert "9,000,000" in latency[0].attrib["message"]
    assert len(flash) == 0


def test_junit_of_missing_results() -> None:
    before, after = [make_report("a"), make_report("b")], [make_report("a"), make_report("c")]
    strict = cases_of(compare(before, after, Gates(parity=True)))
    assert [case.kind for case in strict] == ["", "failure"]
    assert [case.kind for case in cases_of(compare(before, after))] == ["", "skipped"]


def test_junit_holds_whatever_a_firmware_says() -> None:
    text = junit("s", [Case("g", "n\x00", kind="error", text='bad \x1b[0m <&"> \ud800\nmore')])
    (suite,) = ElementTree.fromstring(text)
    assert suite.attrib["errors"] == "1"
    assert (
        suite[0][0].attrib["message"]
        == 'bad \N{REPLACEMENT CHARACTER}[0m <&"> \N{REPLACEMENT CHARACTER}'
    )
