"""CI files for the repositories of the people who use us: GitHub Actions and GitLab CI."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from pipeline import tools
from pipeline.board import Board, load_board
from pipeline.errors import WrongUse
from pipeline.report.markdown import MARKER
from pipeline.run import write_atomically

FILES = {"github": ".github/workflows/mcu.yml", "gitlab": ".gitlab-ci.yml"}
BASELINE = "mcu-baseline.json"
GATES = "--max-slowdown 2% --max-drop 0.5 --max-flash +1KB --max-ram +1KB --parity"
PACKAGE = "mcu-pipeline"

_TEMPLATES = Path(__file__).with_name("templates") / "ci"
# Python 3.11 and the compilers and emulators this package is tested with.
_IMAGE = "python:3.11-bookworm"
_SKIPPED = {"runs", "bench", "mcu-bench", "build", "node_modules"}


def init_ci(
    folder: Path,
    models: Sequence[Path],
    board: str,
    *,
    data: Sequence[str] = (),
    samples: int | None = None,
    tests: str | None = None,
    package: str = PACKAGE,
    only: str | None = None,
    force: bool = False,
) -> list[Path]:
    """Writes the CI files into a repository.

    Args:
        folder: the repository's root.
        models: model files within it; all .tflite files in it where empty.
        board: board id; every emulator it has is used.
        data: as `mcu bench --data` takes it.
        samples: the first so many samples.
        tests: folder of tests that use the `board` fixture; "tests" where there is one.
        package: what `pip install` is given for this package.
        only: "github" or "gitlab".
        force: write over files that are there.

    Raises:
        WrongUse: a file is there already, no model, or a board without an emulator.
    """
    if only is not None and only not in FILES:
        raise WrongUse(f"{only!r} is not known", where="--only", hint=", ".join(FILES))
    chosen = load_board(board)
    if not chosen.emulators:
        raise WrongUse(
            f"{board} has no emulator: a CI server can't run it",
            where="--board",
            hint="`mcu boards` lists the boards and their emulators",
        )
    wanted = {name: folder / path for name, path in FILES.items() if only in (None, name)}
    there = [str(path) for path in wanted.values() if path.exists()]
    if there and not force:
        raise WrongUse("is there already", where=", ".join(there), hint="--force writes over it")
    names = [_inside(folder, model) for model in models] or _find_models(folder)
    if tests is None and (folder / "tests").is_dir():
        tests = "tests"
    for word in (*names, *data, tests or "", package):
        _require_plain(word)
    text = {
        "image": _IMAGE,
        "packages": _packages(chosen),
        "pip": shlex.join([package, *(["pytest"] if tests else [])]),
        "renode": "yes" if "renode" in chosen.emulators else "",
        "tests": tests,
        "test_script": _test_script(tests or "", chosen),
        "bench_script": _bench_script(names, chosen, data, samples),
        "compare_script": _COMPARE,
        "marker": MARKER.replace('"', '\\"'),
    }
    for name, path in wanted.items():
        write_atomically(path, _render(name, text))
    return list(wanted.values())


_COMPARE = f"""\
code=0
if [ -f {BASELINE} ]; then
  mcu compare {BASELINE} mcu-bench {GATES} \\
    --markdown --junit mcu-compare.xml --html mcu-compare.html > mcu-compare.md || code=$?
else
  echo "No {BASELINE} to compare with: mcu-bench/reports.json of a good run is one." \\
    > mcu-compare.md
fi
cat mcu-compare.md"""


def _bench_script(
    models: Sequence[str], board: Board, data: Sequence[str], samples: int | None
) -> str:
    words = ["mcu", "bench", *map(_not_an_option, models), "--board", board.id]
    for name in board.emulators:
        words += ["--on", name]
    for text in data:
        words += ["--data", text]
    words += ["--samples", str(samples)] if samples else []
    words += ["--out", "mcu-bench", "--junit", "mcu-bench.xml", "--html", "mcu-bench.html"]
    return shlex.join(words)


def _test_script(tests: str, board: Board) -> str:
    return "\n".join(
        shlex.join(
            ["python", "-m", "pytest", _not_an_option(tests), "--mcu-board", board.id,
             "--mcu-on", name, f"--junitxml=mcu-tests-{name}.xml"]
        )
        for name in board.emulators
    )  # fmt: skip


def _packages(board: Board) -> str:
    wanted = [f"{board.toolchain}-gcc", *([board.qemu.system] if board.qemu else [])]
    known = [tools.TOOLS[name].packages["apt"] for name in wanted if name in tools.TOOLS]
    return " ".join(["git", "curl", *known])


def _inside(folder: Path, model: Path) -> str:
    """The model's path within the repository, as a CI job sees it."""
    path = model if model.exists() else folder / model
    if not path.exists():
        raise WrongUse("no such file or folder", where=str(model))
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError as error:
        raise WrongUse(
            "is outside of the repository", where=str(model), hint="a CI job sees only the latter"
        ) from error


def _require_plain(word: str) -> None:
    """Refuses what a CI server would replace or take for the file's own syntax."""
    if not word.isprintable() or any(mark in word for mark in ("${{", "}}", "$[[", "]]")):
        raise WrongUse(
            f"{word[:80]!r} can't stand in a CI file",
            hint="CI servers replace ${{ }} and $[[ ]] before a shell sees them: rename it",
        )


def _not_an_option(name: str) -> str:
    return f"./{name}" if name.startswith("-") else name


def _find_models(folder: Path) -> list[str]:
    found = [
        path.relative_to(folder)
        for path in sorted(folder.rglob("*.tflite"))
        if not any(p.startswith(".") or p in _SKIPPED for p in path.relative_to(folder).parts)
    ]
    if not found:
        raise WrongUse(
            "holds no .tflite file", where=str(folder), hint="name the models: mcu ci init MODELS"
        )
    return [path.as_posix() for path in found]


def _render(name: str, text: dict[str, str | None]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # GitHub's own expressions are ${{ }}.
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,
    )
    return environment.get_template(f"{name}.yml.j2").render(text)
