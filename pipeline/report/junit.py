"""A comparison or a bench as JUnit XML, the form CI servers read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from pipeline.report.compare import Comparison

_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Case:
    """One test case.

    Attributes:
        group: what it is about; servers show it as the class.
        kind: "failure" is a broken gate, "error" is something that did not run.
    """

    group: str
    name: str
    seconds: float = 0.0
    kind: Literal["", "failure", "error", "skipped"] = ""
    text: str = ""


def cases_of(done: Comparison) -> list[Case]:
    """A case per gate and pair; where there are no gates, one per pair."""
    found = []
    for pair in done.pairs:
        gated = [figure for figure in pair.figures if figure.gate]
        for figure in gated:
            kind: Literal["", "failure"] = "failure" if figure.verdict == "fail" else ""
            name = f"{figure.name}: {figure.gate}"
            found.append(Case(pair.name, name, kind=kind, text=figure.why))
        if not gated:
            found.append(Case(pair.name, "compared"))
    for name in done.missing:
        kind_missing: Literal["failure", "skipped"] = "failure" if done.strict else "skipped"
        found.append(Case(name, "has a result", kind=kind_missing, text="no result to compare"))
    return found


def junit(suite: str, cases: Iterable[Case]) -> str:
    """The XML document."""
    chosen = list(cases)
    root = ElementTree.Element("testsuites")
    attributes = {
        "name": suite,
        "tests": str(len(chosen)),
        "failures": str(sum(case.kind == "failure" for case in chosen)),
        "errors": str(sum(case.kind == "error" for case in chosen)),
        "skipped": str(sum(case.kind == "skipped" for case in chosen)),
        "time": f"{sum(case.seconds for case in chosen):.3f}",
    }
    element = ElementTree.SubElement(root, "testsuite", attributes)
    for case in chosen:
        test = ElementTree.SubElement(
            element,
            "testcase",
            classname=_legal(case.group),
            name=_legal(case.name),
            time=f"{case.seconds:.3f}",
        )
        if case.kind:
            text = _legal(case.text)
            found = ElementTree.SubElement(test, case.kind, message=text.partition("\n")[0])
            found.text = text
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _legal(text: str) -> str:
    """Without the characters XML can't hold (a firmware may send any)."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
