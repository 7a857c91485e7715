"""docs/options.md: every option of a deployment. `python -m pipeline.options docs/options.md`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from pipeline.options.deployment import GROUPS
from pipeline.options.option import Group, field_of, options_of

_HEAD = """\
# The options of a deployment

`make docs` writes this page from `pipeline/options/`, where each
option is said once. On the command line an option is a flag of `mcu deploy`, and of the commands
that take its step alone (`mcu COMMAND --help`); in Python it is an argument of `deploy`, of
`board.deploy` in a test, and of a bench's `matrix`. None in Python is a flag that is not given.
"""


def page(groups: Sequence[type[Group]] = GROUPS) -> str:
    """The page as Markdown."""
    return "\n".join([_HEAD, *("\n".join(_section(group)) for group in groups)])


def _section(group: type[Group]) -> list[str]:
    title = (inspect.getdoc(group) or group.__name__).partition("\n")[0].rstrip(".")
    lines = [f"## {title}", "", "| Flag | Python | Default | Meaning |", "|---|---|---|---|"]
    for name, found in options_of(group).items():
        flags = ", ".join(f"`{flag}`" for flag in found.flags)
        known = field_of(group, name)
        shown = f"`{name}: {known.type}`"
        meaning = " ".join(f"{found.help} {found.more}".split())
        if not all(choice in found.help for choice in found.choices):
            meaning += f" One of {', '.join(found.choices)}."
        if found.least is not None:
            meaning += f" At least {found.least:g}."
        row = [flags, shown, f"`{known.default!r}`", meaning]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")
    return [*lines, ""]
