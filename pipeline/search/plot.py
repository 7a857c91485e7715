"""The Pareto front as one SVG file: accuracy over instructions, and over flash."""

from __future__ import annotations

from xml.sax.saxutils import escape

from pipeline.report.plots import Datum, Plot, Point, scatter
from pipeline.search.front import Front, Tried

_STYLE = """
  text { font: 11px sans-serif; fill: #444 }
  .title { font-weight: bold; fill: #111 }
  .name { fill: #111 }
  .grid { stroke: #ddd }
  .axis { stroke: #888 }
  .front { fill: #1f6feb }
  .other { fill: #fff; stroke: #999 }
"""
_HEAD = 24


def front_svg(front: Front) -> str:
    """Two panels side by side; points on the front are filled and carry their numbers."""
    if "accuracy" in front.objectives:
        axes = [("instructions", "accuracy"), ("flash_bytes", "accuracy")]
    else:
        axes = [("instructions", "flash_bytes"), ("instructions", "ram_bytes")]
    panels = [_panel(front, x, y) for x, y in axes]
    width = sum(panel.width for panel in panels)
    height = _HEAD + max(panel.height for panel in panels)
    title = escape(f"{front.model} on {front.board}: {len(front.numbers)} points on the front")
    rows = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{title}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text class="title" x="16" y="18">{title}</text>',
    ]
    left = 0
    for panel in panels:
        rows += [f'<g transform="translate({left} {_HEAD})">', *_drawn(panel), "</g>"]
        left += panel.width
    return "\n".join([*rows, "</svg>"]) + "\n"


_LABELS = {
    "accuracy": "accuracy, %",
    "instructions": "instructions per inference",
    "flash_bytes": "flash, bytes",
    "ram_bytes": "RAM, bytes",
}


def _panel(front: Front, x: str, y: str) -> Plot:
    measured = [t for t in front.tried if t.state == "measured" and t.twin is None]
    on_front = set(front.numbers)

    def datum(trial: Tried) -> Datum:
        chosen = trial.number in on_front
        factor = 100 if y == "accuracy" else 1
        words = ", ".join(f"{k} {v:,.6g}" for k, v in trial.values.items())
        return Datum(
            trial.values[x],
            factor * trial.values[y],
            str(trial.number) if chosen else "",
            f"trial {trial.number}: {trial.prune}, {trial.optimize}\n{words}",
            0 if chosen else 1,
        )

    data = [datum(trial) for trial in measured]
    title = f"{_LABELS[y].split(',')[0]} over {_LABELS[x].split(',')[0]}"
    return scatter(title, _LABELS[x], _LABELS[y], data, percent=y == "accuracy")


def _drawn(plot: Plot) -> list[str]:
    rows = []
    for tick in plot.y.ticks:
        rows.append(_line("grid", plot.left, tick.at, plot.right, tick.at))
        rows.append(_text("", plot.left - 8, tick.at + 4, tick.text, "end"))
    for tick in plot.x.ticks:
        rows.append(_line("grid", tick.at, plot.top, tick.at, plot.bottom))
        rows.append(_text("", tick.at, plot.bottom + 16, tick.text, "middle"))
    rows.append(_line("axis", plot.left, plot.bottom, plot.right, plot.bottom))
    rows.append(_text("", plot.right, plot.height - 8, plot.x.label, "end"))
    turned = f'<g transform="rotate(-90)">{_text("", -plot.top, 12, plot.y.label, "end")}</g>'
    rows.append(turned)
    for point in sorted(plot.points, key=lambda p: -p.color):
        rows.append(_mark(point))
    for point in plot.points:
        if point.label:
            rows.append(_text("name", point.label_x, point.label_y, point.label, point.anchor))
    return rows


def _mark(point: Point) -> str:
    kind = "front" if point.color == 0 else "other"
    return (
        f'<circle class="{kind}" cx="{point.x:.1f}" cy="{point.y:.1f}" r="4.5">'
        f"<title>{escape(point.title)}</title></circle>"
    )


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(kind: str, x: float, y: float, words: str, anchor: str) -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
