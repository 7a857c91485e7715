"""docs/compression.md from the figures of benchmarks/compression.json."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

_HEAD = """# What compression buys on the chip

Written by `make bench-compression`; do not edit. The recipes are those of `--prune`, with their
default schedules, one seed, and post-training int8; the epochs are the default ones too, unless
`@` says how many. Accuracy is that of the test samples: the float network before pruning, after
pruning and fine-tuning, and as int8. Model is the flash that weights and per-channel constants
take in the linked firmware, and how many times smaller that is than the unpruned float32
parameters. Instructions are those of one inference (median) on disco_f407vg in QEMU, and how many
times fewer than dense. Both for `--optimize balanced` and `size`; `size` counts the code of the
kernels too, and leaves weights dense where a sparse kernel's code is larger than what it saves.
Magnitude shares the zeros out among the layers by what each can spare, `scope=layer` gives all the
same; depthwise kernels, which the engine stores dense, are left alone. Epochs and seconds are
those of fine-tuning, on a machine that had other work too.
"""
_BARS = """## Bars

1. Magnitude 87.5 %: at most 2 points lost, model at least 12x smaller than float32 and 3x smaller
   than dense int8, fewer instructions than dense.
2. Neurons 50 %: at most 1 point lost, at least 1.8x fewer instructions.
3. Some combination of both: at most 1 point lost, at least 16x smaller than float32.

What is lost is counted from the float network before pruning to the int8 one on the chip, so
quantisation's part is in it. "Dense" is unpruned int8 with the same `--optimize`. A bar is met
when one and the same `--optimize` meets all of it.
"""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Mean:
    """A recipe's figures, averaged over the folds."""

    recipe: str
    folds: int
    before: float
    pruned: float
    int8: float
    sparsity: float
    float32: float
    epochs: float
    seconds: float
    flash: dict[str, float]
    instructions: dict[str, float]

    @property
    def lost(self) -> float:
        """Points from the float network before pruning to int8."""
        return 100 * (self.before - self.int8)

    def smaller(self, goal: str) -> float:
        return self.float32 / self.flash[goal]


def means(rows: list[dict[str, Any]]) -> dict[str, Mean]:
    """Recipe -> figures."""
    found = {}
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        mine = [row for row in rows if row["recipe"] == recipe]

        def mean(name: str, mine: list[dict[str, Any]] = mine) -> float:
            return fmean(row[name] for row in mine)

        def by_goal(name: str, mine: list[dict[str, Any]] = mine) -> dict[str, float]:
            return {goal: fmean(row[name][goal] for row in mine) for goal in mine[0][name]}

        found[recipe] = Mean(
            recipe,
            len(mine),
            mean("float_accuracy"),
            mean("pruned_accuracy"),
            mean("int8_accuracy"),
            mean("sparsity"),
            mean("float32_bytes"),
            mean("epochs"),
            mean("seconds"),
            by_goal("flash"),
            by_goal("instructions"),
        )
    return found


@dataclass(frozen=True)
class Verdict:
    """Whether a bar is met, with the figures."""

    bar: str
    met: bool
    text: str


def verdicts(found: dict[str, Mean]) -> list[Verdict]:
    """The bars, as far as their recipes were run."""
    dense = found.get("none")
    if dense is None:
        return []
    verdicts = []

    def like(recipe: str) -> list[Mean]:
        """The recipe, with any options and any number of epochs."""
        return [m for m in found.values() if m.recipe.split(",")[0].split(" ")[0] == recipe]

    one, two = like("magnitude:0.875"), like("neurons:0.5")
    if one:
        tries = [_magnitude(m, dense, goal) for m in one for goal in m.flash]
        verdicts.append(_best("1", tries))
    if two:
        tries = [_neurons(m, dense, goal) for m in two for goal in m.flash]
        verdicts.append(_best("2", tries))
    both = [m for m in found.values() if "+" in m.recipe]
    if both:
        verdict = _best("3", [_small(m, goal) for m in both for goal in m.flash])
        one = [m for m in found.values() if m.recipe.startswith("neurons") and m not in both]
        alone = _best("", [_small(m, goal) for m in one for goal in m.flash]) if one else None
        if not verdict.met and alone is not None and alone.met:
            verdict = replace(verdict, text=f"{verdict.text}. Met without magnitude: {alone.text}")
        verdicts.append(verdict)
    return verdicts


# Missed conditions (in words, with how far off in parts), and the figures.
Try = tuple[list[str], float, str]


def _check(*conditions: tuple[float, float, str]) -> tuple[list[str], float]:
    """`(value, least, words)`; returns the words of those missed, and by how much in all."""
    # 0.95 - 0.93 is a little more than 0.02 in floating point.
    missed = [(low - value, words) for value, low, words in conditions if value < low - _ROUNDING]
    return [words for _, words in missed], sum(by for by, _ in missed)


def _magnitude(m: Mean, dense: Mean, goal: str) -> Try:
    smaller, than_int8 = m.smaller(goal), dense.flash[goal] / m.flash[goal]
    fewer = dense.instructions[goal] / m.instructions[goal]
    missed, by = _check(
        (-m.lost, -2.0, "accuracy"),
        (smaller, 12.0, "12x of float32"),
        (than_int8, 3.0, "3x of dense int8"),
        (fewer, 1.0, "instructions"),
    )
    text = (
        f"{m.recipe}, {goal}: {m.lost:.1f} points lost, {smaller:.1f}x smaller than float32, "
        f"{than_int8:.1f}x than dense int8, {fewer:.2f}x fewer instructions"
    )
    return missed, by, text


def _neurons(m: Mean, dense: Mean, goal: str) -> Try:
    fewer = dense.instructions[goal] / m.instructions[goal]
    missed, by = _check((-m.lost, -1.0, "accuracy"), (fewer, 1.8, "instructions"))
    text = f"{m.recipe}, {goal}: {m.lost:.1f} points lost, {fewer:.2f}x fewer instructions"
    return missed, by, text


def _small(m: Mean, goal: str) -> Try:
    missed, by = _check((-m.lost, -1.0, "accuracy"), (m.smaller(goal), 16.0, "16x of float32"))
    text = f"{m.recipe}, {goal}: {m.lost:.1f} points lost, {m.smaller(goal):.1f}x smaller"
    return missed, by, text


def _best(bar: str, tries: list[Try]) -> Verdict:
    missed, _, text = min(tries, key=lambda t: (len(t[0]), t[1]))
    if missed:
        text += f"; missed: {', '.join(missed)}"
    return Verdict(bar, not missed, text)


def table(tasks: dict[str, Any], all_tasks: dict[str, str]) -> str:
    """The page. `all_tasks` names those that were not run too."""
    lines = [_HEAD]
    absent = [f"{name} ({about})" for name, about in all_tasks.items() if name not in tasks]
    lines.append(f"Run so far: {', '.join(tasks)}.")
    if absent:
        lines.append(f"Not run yet: {'; '.join(absent)}.")
    lines += ["", _BARS, "| task | bar | met | figures |", "|---|---|---|---|"]
    for name, task in tasks.items():
        for v in verdicts(means(task["rows"])):
            lines.append(f"| {name} | {v.bar} | {'yes' if v.met else '**no**'} | {v.text} |")
    for name, task in tasks.items():
        lines += ["", *_section(name, task)]
    return "\n".join(lines) + "\n"


def _section(name: str, task: dict[str, Any]) -> list[str]:
    from compression_remarks import REMARKS

    found = means(task["rows"])
    goals = list(next(iter(found.values())).flash)
    head = [f"model, {goal} | instructions, {goal}" for goal in goals]
    about = f"{task['about']}. {next(iter(found.values())).float32:,.0f} bytes as float32."
    folds = task["folds_in_all"]
    if folds > 1:
        about += f" Means of {folds} folds, or of as many as are named."
    if task["left_out"]:
        about += f" Not run yet: {', '.join(task['left_out'])}."
    lines = [
        f"## {name}",
        "",
        about,
        "",
        f"| recipe | zeros | float | pruned | int8 | {' | '.join(head)} | epochs | seconds |",
        "|---|--:|--:|--:|--:|" + "--:|--:|" * len(goals) + "--:|--:|",
    ]
    dense = found.get("none")
    for m in found.values():
        cells = []
        for goal in goals:
            cells.append(f"{m.flash[goal]:,.0f} ({m.smaller(goal):.1f}x)")
            fewer = dense.instructions[goal] / m.instructions[goal] if dense else 0.0
            cells.append(f"{m.instructions[goal]:,.0f} ({fewer:.2f}x)")
        label = "dense" if m.recipe == "none" else m.recipe
        if m.folds < folds:
            label += f" ({m.folds} of {folds} folds)"
        lines.append(
            f"| {label} | {100 * m.sparsity:.0f} % "
            f"| {100 * m.before:.1f} | {100 * m.pruned:.1f} | {100 * m.int8:.1f} "
            f"| {' | '.join(cells)} | {m.epochs:.0f} | {m.seconds:.0f} |"
        )
    notes = dict.fromkeys(
        f"{row['recipe']}: {note}" for row in task["rows"] for note in row["notes"]
    )
    if remark := REMARKS.get(name):
        lines += ["", remark.strip()]
    if notes:
        lines += ["", "Said on the way:", "", *[f"- {note}" for note in notes]]
    conditions = ", ".join(f"{key} {value}" for key, value in sorted(task["conditions"].items()))
    return [*lines, "", f"Conditions: {conditions}."]
