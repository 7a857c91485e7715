"""A comparison as Markdown, for a pull request's comment."""

from __future__ import annotations

from pipeline.report.compare import Comparison, Figure, Pair, number

_COLUMNS = ("accuracy", "latency", "flash", "RAM")
_LAYERS = 5
# The marker by which a CI job finds its own comment to write it anew.
MARKER = "<!-- mcu compare -->"


def markdown(done: Comparison) -> str:
    """What has changed, the failed gates first, details folded."""
    lines = [MARKER, f"## Microcontroller benchmark: {_verdict(done)}", ""]
    for pair in done.pairs:
        lines += [f"- **{_plain(pair.name)}**: {_plain(f.why)}" for f in pair.failures]
    for name in done.missing:
        lines.append(f"- **{_plain(name)}**: was there before, has no result now")
    if lines[-1]:
        lines.append("")
    lines += _overview(done)
    for pair in done.pairs:
        lines += ["", *_details(pair)]
    if done.new:
        lines += ["", "New: " + ", ".join(_plain(name) for name in done.new) + "."]
    return "\n".join(lines) + "\n"


def change(figure: Figure) -> str:
    """A change as people write it: "+1.2 %", "+0.30 points", "the same", "not comparable"."""
    if not figure.comparable:
        return "not comparable"
    if figure.change is None:
        return "-"
    if figure.change == 0:
        return "the same"
    if figure.unit == "%":
        return f"{figure.change:+.2f} points"
    if figure.relative is None:
        return f"{figure.change:+,.0f}"
    return f"{100 * figure.relative:+.1f} %"


def _verdict(done: Comparison) -> str:
    failed = sum(len(pair.failures) for pair in done.pairs)
    failed += len(done.missing) if done.strict else 0
    if failed:
        return f"{failed} gate{'s' if failed > 1 else ''} failed"
    gated = any(figure.gate for pair in done.pairs for figure in pair.figures)
    return "all gates passed" if gated else "no gates"


def _overview(done: Comparison) -> list[str]:
    lines = ["| result | accuracy | latency | flash | RAM |", "|---|--:|--:|--:|--:|"]
    for pair in done.pairs:
        found = {figure.name: figure for figure in pair.figures}
        cells = [_cell(found[name]) for name in _COLUMNS]
        note = " (conditions differ)" if pair.conditions else ""
        lines.append(f"| {_plain(pair.name)}{note} | {' | '.join(cells)} |")
    return lines


def _cell(figure: Figure) -> str:
    text = f"{number(figure.after, figure.unit)} ({change(figure)})"
    return f"**{text}** failed" if figure.verdict == "fail" else text


def _details(pair: Pair) -> list[str]:
    lines = [
        f"<details><summary>{_plain(pair.name)}</summary>",
        "",
        "| figure | unit | before | after | change | gate |",
        "|---|---|--:|--:|--:|---|",
    ]
    for figure in pair.figures:
        gate = f"{figure.gate}: {figure.verdict}" if figure.gate else ""
        before, after = number(figure.before, figure.unit), number(figure.after, figure.unit)
        lines.append(
            f"| {figure.name} | {figure.unit} | {before} | {after} | {change(figure)} | {gate} |"
        )
    if pair.conditions:
        lines += ["", "Conditions that differ:", ""]
        lines += [
            f"- {_plain(c.name)}: `{_code(c.before)}` before, `{_code(c.after)}` now"
            for c in pair.conditions
        ]
    moved = sorted(
        (layer for layer in pair.layers if layer.before != layer.after),
        key=lambda layer: -abs(layer.after - layer.before),
    )
    if moved:
        unit = pair.after.latency.unit
        lines += ["", f"| layers that changed most | {unit} before | after |", "|---|--:|--:|"]
        lines += [
            f"| {layer.index} {_plain(layer.name)} ({_plain(layer.op)}) "
            f"| {layer.before:,} | {layer.after:,} |"
            for layer in moved[:_LAYERS]
        ]
    commits = [str(r.environment.get("git") or "unknown") for r in (pair.before, pair.after)]
    if commits != ["unknown", "unknown"]:
        lines += ["", f"Commits: `{_code(commits[0])}` before, `{_code(commits[1])}` now."]
    return [*lines, "", "</details>"]


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is, also within a table."""
    text = _shown(text).replace("&", "&amp;").replace("@", "&#64;")
    for char in "\\`*_[]|<":
        text = text.replace(char, f"&#{ord(char)};" if char in "|<" else f"\\{char}")
    return text


def _code(text: str) -> str:
    return _shown(text).replace("`", "'")


def _shown(text: str) -> str:
    """In one line, without what can't be seen."""
    return "".join(char if char.isprintable() else " " for char in text)
