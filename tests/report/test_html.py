"""The page: self-contained, whole, and right about what it draws."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import make_report

from pipeline.errors import WrongUse
from pipeline.report.baseline import read_baseline
from pipeline.report.compare import compare
from pipeline.report.document import LatencyFacts, MemoryFacts
from pipeline.report.gates import parse_gates
from pipeline.report.history import Entry
from pipeline.report.html import page
from pipeline.report.plots import Datum, linear_ticks, scatter, short

VOID = {"meta", "rect", "line", "path", "circle", "br"}
CSV = (
    "model,core,kernels,instructions_per_inference,code_flash_bytes,model_bytes,arena_used_bytes\n"
    "kws,m4,ref,7000000,60000,50000,22000\n"
)


class Checker(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "xlink:href"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID or tag in ("rect", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    assert not {"script", "link", "img", "iframe"} & set(checker.tags)
    assert all(link.startswith("#") and link[1:] in checker.ids for link in checker.links)
    assert "http" not in text.replace("http://www.w3.org", "")
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", text)
    return checker


@pytest.fixture
def whole(tmp_path: Path) -> str:
    (tmp_path / "b.csv").write_text(CSV)
    reports = [make_report(), make_report("ic", cost=7_000_000, flash=110_000, accuracy=0.87)]
    entries = [
        Entry(i, f"2026-01-0{i + 1}T00:00:00+00:00", f"c{i}", make_report(cost=3_000_000 - i))
        for i in range(4)
    ]
    return page(
        reports,
        comparison=compare(
            [reports[0]],
            [replace(reports[0], environment={"compiler": "gcc <13>"})],
            parse_gates(max_slowdown="2%"),
        ),
        entries=entries,
        baseline=read_baseline(tmp_path / "b.csv"),
        failures=[("vww", "does not fit")],
    )


def test_the_whole_page(whole: str) -> None:
    checked(whole)
    for text in (
        "Accuracy against flash", "Accuracy against instructions", "Instructions against flash",
        "Instructions over time", "Flash over time", "Accuracy over time",
        "does not fit", "gcc &lt;13&gt;", "baseline: ref, m4", "Layers: cost and bytes",
        "58.6 KiB used, 5.7 % of 1,024.0 KiB", "prefers-color-scheme: dark",
    ):  # fmt: skip
        assert text in whole, text


def test_plots_are_told_to_who_does_not_see_them(whole: str) -> None:
    assert whole.count('role="img"') == whole.count("aria-label=")
    assert 'aria-label="Accuracy against flash. kws disco_f407vg aot qemu' in whole


def test_one_result_has_no_plots_against_others() -> None:
    text = page([make_report()])
    checked(text)
    assert "Accuracy against" not in text
    assert "over time" not in text


@pytest.mark.parametrize(
    "report",
    [
        make_report(accuracy=None, identical=None),
        make_report(layers=1, cost=0),
        make_report(layers=1, memory=MemoryFacts(0, 0, 0, 0, 0, 0, 0, 0)),
        make_report("<script>alert(1)</script>", "b&b"),
        make_report(on="probe", latency=LatencyFacts(9, "cycles", 1, 2, 3, 0.01)),
        replace(make_report(), layers=()),
    ],
)
def test_odd_results(report: object) -> None:
    from pipeline.report.document import Report

    assert isinstance(report, Report)
    checked(page([report]))
    checked(page([report, report, make_report()]))


def test_an_empty_page() -> None:
    checked(page([]))


def test_the_same_results_give_the_same_page() -> None:
    assert page([make_report()]) == page([make_report()])


@pytest.mark.slow
def test_a_browser_draws_it(whole: str, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium installed")
    (tmp_path / "page.html").write_text(whole)
    done = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/p",
         "--window-size=1200,2400", f"--screenshot={tmp_path}/page.png",
         (tmp_path / "page.html").as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (tmp_path / "page.png").stat().st_size > 50_000, done.stderr


# Plots ------------------------------------------------------------------------------------

FIGURES = st.just(0.0) | st.floats(min_value=1e-3, max_value=1e9)


@given(st.lists(st.tuples(FIGURES, FIGURES), min_size=1, max_size=12))
def test_points_stay_within_the_axes(values: list[tuple[float, float]]) -> None:
    plot = scatter("t", "x", "y", [Datum(x, y, "label", f"{x} {y}") for x, y in values])
    assert len(plot.points) == len(values)
    for point in plot.points:
        assert plot.left - 0.01 <= point.x <= plot.right + 0.01
        assert plot.top - 0.01 <= point.y <= plot.bottom + 0.01


@given(st.lists(st.tuples(FIGURES, FIGURES), min_size=2, max_size=12))
def test_labels_do_not_cover_each_other(values: list[tuple[float, float]]) -> None:
    plot = scatter("t", "x", "y", [Datum(x, y, "label", "") for x, y in values])
    boxes = [
        (p.label_x - (31 if p.anchor == "end" else 0), p.label_y) for p in plot.points if p.label
    ]
    for i, (x, y) in enumerate(boxes):
        for other_x, other_y in boxes[i + 1 :]:
            assert abs(x - other_x) >= 29 or abs(y - other_y) >= 11


@given(FIGURES, FIGURES)
def test_ticks_are_round_and_few(a: float, b: float) -> None:
    low, high = sorted((a, b))
    ticks = linear_ticks(low, high)
    assert 2 <= len(ticks) <= 9
    assert ticks[0] <= low
    assert ticks[-1] >= high


def test_a_percentage_ends_at_a_hundred() -> None:
    assert linear_ticks(98.0, 100.0, 100)[-1] == pytest.approx(100)
    assert linear_ticks(100.0, 100.0, 100)[-1] == pytest.approx(100)


def test_axis_numbers() -> None:
    assert short(2_500_000) == "2.5 M"
    assert short(300_000) == "300 k"
    assert short(90.5, 0.5) == "90.5"
    assert short(0.25, 0.05) == "0.25"
    assert short(22.5, 0.25) == "22.50"


# The baseline -----------------------------------------------------------------------------


def test_a_baseline_is_read(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(CSV)
    (row,) = read_baseline(tmp_path / "b.csv")
    assert (row.name, row.instructions, row.flash_bytes) == ("kws m4 ref", 7_000_000, 110_000)
    assert row.fits("kws", "cortex-m4")
    assert not row.fits("kws", "cortex-m7")
    assert not row.fits("ic", "cortex-m4")


def test_the_shared_baseline_is_read(shared: Path) -> None:
    rows = read_baseline(shared / "baseline.csv")
    assert any(row.fits("kws_ref_int8", "cortex-m4") and "cmsis_nn" in row.kind for row in rows)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read as CSV"),
        ("", "has no column"),
        ("model,core\na,b\n", "has no column instructions_per_inference"),
        (CSV + "kws,m4,ref,many,1,1,1\n", "a number is missing"),
        (CSV + "kws,m4\n", "a number is missing"),
    ],
)
def test_what_is_no_baseline(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "b.csv").write_text(content)
    with pytest.raises(WrongUse, match=message) as caught:
        read_baseline(tmp_path / "b.csv")
    assert str(tmp_path) in caught.value.where
