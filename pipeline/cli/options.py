"""Options of the command line: those of a deployment by their description, others said here.

    @offers("prune", "trust", "out", required=("prune",))
    def command(model: ..., chosen: Options, json: Json = False) -> None: ...

puts `--prune`, `--trust` and `--out` in the place of `chosen`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.options import Group, Options, options_of
from pipeline.options.option import field_of, kind_of

Command = Callable[..., None]


def offers(
    *wanted: str | type[Group],
    without: tuple[str, ...] = (),
    required: tuple[str, ...] = (),
    group: type[Options] = Options,
) -> Callable[[Command], Command]:
    """Gives a command options of a deployment, in the place of its argument of type `Options`.

    Args:
        wanted: names of options, or groups of them.
        without: names that the groups hold and the command has no use for.
        required: those that have to be given.
        group: all the options there are.
    """
    names: list[str] = []
    for some in wanted:
        names += [some] if isinstance(some, str) else options_of(some)
    kept = [name for name in options_of(group) if name in names and name not in without]

    def decorate(work: Command) -> Command:
        signature = inspect.signature(work, eval_str=True)
        shown: list[inspect.Parameter] = []
        place = ""
        for parameter in signature.parameters.values():
            if parameter.annotation is Options:
                place = parameter.name
                shown += [_parameter(group, name, name in required) for name in kept]
            else:
                shown.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

        def command(**given: Any) -> None:
            chosen = {name: given.pop(name) for name in kept}
            work(**given, **{place: group(**chosen)})

        made: Any = command
        made.__doc__ = work.__doc__
        made.__signature__ = signature.replace(parameters=shown)
        made.__annotations__ = {p.name: p.annotation for p in shown}
        return command

    return decorate


def _parameter(group: type[Group], name: str, required: bool) -> inspect.Parameter:
    """An option as a parameter that typer reads."""
    kind, nullable = kind_of(group, name)
    default = inspect.Parameter.empty if required else field_of(group, name).default
    hint: Any = kind | None if nullable else kind
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[hint, described(name, group=group)],
    )


def described(name: str, help: str = "", group: type[Group] = Options) -> Any:
    """Typer's words for an option of a deployment; `help` where a command has its own."""
    found = options_of(group)[name]
    return typer.Option(*found.flags, help=help or found.help, min=found.least)


Board = Annotated[str, typer.Option("--board", "-b", help="Board id; `mcu boards` lists them.")]
CompareLayers = Annotated[
    bool,
    typer.Option(
        "--compare-layers",
        help="Compare every tensor of one sample with TensorFlow Lite Micro's; exit code 5 "
        "names the first layer that differs.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
TrustProject = Annotated[
    bool,
    typer.Option("--trust", help="Run the scripts of a project that somebody else has rendered."),
]

# Results: history, gates, and what is written for others.
Db = Annotated[
    str | None,
    typer.Option("--db", help="History: an SQLite file or a database URL.  [env: MCU_HISTORY]"),
]
History = Annotated[bool, typer.Option("--history", help="Record the result in the history.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write an HTML page with plots.")]
Junit = Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML.")]
MaxSlowdown = Annotated[
    str | None, typer.Option("--max-slowdown", help="Gate on the median cost: 2%.")
]
MaxDrop = Annotated[
    str | None, typer.Option("--max-drop", help="Gate on accuracy: percentage points, 0.5.")
]
MaxFlash = Annotated[
    str | None,
    typer.Option("--max-flash", help="Gate on flash: growth (+1KB, 2%) or the whole (64KB)."),
]
MaxRam = Annotated[
    str | None,
    typer.Option("--max-ram", help="Gate on RAM: growth (+1KB, 2%) or the whole (16KB)."),
]
Parity = Annotated[
    bool, typer.Option("--parity", help="Gate: every output equals the host's bit for bit.")
]
