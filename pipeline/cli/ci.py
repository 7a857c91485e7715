"""`mcu ci`: continuous integration for a repository of models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.console import guarded, say, say_json

EXAMPLES = """\b
Examples:
  mcu ci init --board disco_f407vg
  mcu ci init models/kws.tflite -b disco_f407vg --data data/kws.npz --samples 100
  mcu ci init -b mps2_an386 --only github --force
"""

app = typer.Typer(
    no_args_is_help=True,
    help="Set up continuous integration on emulated boards.",
    rich_markup_mode=None,
)


@app.command("init", epilog=EXAMPLES)
def init(
    models: Annotated[
        list[Path] | None, typer.Argument(help="Models.  [default: all .tflite files here]")
    ] = None,
    board: Annotated[str, typer.Option("--board", "-b", help="Board id.")] = ...,  # type: ignore[assignment]
    data: Annotated[
        list[str] | None, typer.Option("--data", "-d", help="As mcu bench takes it; several.")
    ] = None,
    samples: Annotated[int | None, options.described("samples")] = None,
    tests: Annotated[
        str | None,
        typer.Option("--tests", help="Tests that use a board.  [default: tests, if there]"),
    ] = None,
    package: Annotated[
        str, typer.Option("--package", help="What pip installs: a name, wheel or git URL.")
    ] = "mcu-pipeline",
    only: Annotated[str | None, typer.Option("--only", help="github or gitlab alone.")] = None,
    repo: Annotated[Path, typer.Option("--repo", help="The repository's root.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over files there are.")] = False,
    json: options.Json = False,
) -> None:
    """Write a GitHub Actions workflow and a GitLab CI file."""

    def work() -> None:
        from pipeline.report.ci import init_ci

        written = init_ci(
            repo, models or [], board, data=data or [], samples=samples, tests=tests,
            package=package, only=only, force=force,
        )  # fmt: skip
        if json:
            say_json({"written": [str(path) for path in written]})
            return
        for path in written:
            say(f"wrote {path}")
        say("`mcu bench` leaves mcu-bench/reports.json: commit a good one as mcu-baseline.json, "
            "and every later run is compared with it")  # fmt: skip

    raise typer.Exit(guarded(work, json))
