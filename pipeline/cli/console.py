"""What the command line says: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pipeline.errors import Interrupted, McuError
from pipeline.progress import Progress

# Of other people's names, what a terminal would obey or show out of place is shown as a code:
# control characters (but line breaks and tabs), and those that turn the direction of text.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean(text: str) -> str:
    """A text that a terminal shows and does not obey."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say_json(document: object) -> None:
    """Prints the one JSON document of a `--json` run."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def say(text: str = "") -> None:
    """Prints a line of the result."""
    sys.stdout.write(clean(text) + "\n")


def note(text: str) -> None:
    """Prints a line that is not the result: to stderr."""
    sys.stderr.write(clean(text) + "\n")
    sys.stderr.flush()


_to_stderr = note


def fail(error: McuError, as_json: bool) -> int:
    """Shows an error and returns its exit code."""
    if as_json:
        say_json(
            {
                "error": {
                    "kind": type(error).__name__,
                    "what": error.what,
                    "where": error.where,
                    "hint": error.hint,
                    "exit_code": error.exit_code,
                }
            }
        )
    note(f"error: {error}")
    return error.exit_code


def guarded(work: Callable[[], None], as_json: bool) -> int:
    """Runs a command and turns whatever happens into an exit code."""
    try:
        with _ended_by_signals():
            work()
    except McuError as error:
        return fail(error, as_json)
    except KeyboardInterrupt:
        return fail(Interrupted("interrupted", hint="the same command goes on from here"), as_json)
    except BrokenPipeError:
        # The reader of our output has gone (`mcu boards | head -1`): not an error of ours.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
        return 0
    except OSError as error:
        if os.environ.get("MCU_DEBUG"):
            traceback.print_exc()
        from pipeline.oserrors import own_error

        return fail(own_error(error, _options()), as_json)
    except Exception as error:
        if os.environ.get("MCU_DEBUG"):
            traceback.print_exc()
        bug = McuError(
            f"internal error: {type(error).__name__}: {error}",
            hint="this is a bug; MCU_DEBUG=1 shows where, please report it",
        )
        return fail(bug, as_json)
    return 0


def _options() -> dict[str, object]:
    """The command's options and arguments, as a person writes them -> their values."""
    context = _context()
    if context is None:
        return {}
    found: dict[str, object] = {}
    for parameter in context.command.params:
        names = [name for name in parameter.opts if name.startswith("--")]
        name = names[0] if names else (parameter.name or "").upper()
        value = context.params.get(parameter.name or "")
        found[name] = _DEFAULTS.get(name) if value is None else value
    return found


def _context() -> Any:
    # typer brings a click of its own since 0.26
    for name in ("typer._click.globals", "click"):
        with contextlib.suppress(ImportError):
            return importlib.import_module(name).get_current_context(silent=True)
    return None


# Where an option is not given: the folder its results go to.
_DEFAULTS = {"--out": "runs"}


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal (SIGHUP) clean up as Ctrl-C does; `nohup` stays in force."""

    def leave(number: int, _: FrameType | None) -> None:
        for other in changed:
            signal.signal(other, signal.SIG_IGN)  # nothing cuts the cleaning short
        raise SystemExit(128 + number)

    wanted = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    changed = [n for n in wanted if n is not None and signal.getsignal(n) == signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        changed = []
    for number in changed:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def progress_display() -> Iterator[Progress]:
    """A bar on a terminal; elsewhere a line per step, and one every ten seconds within it."""
    if sys.stderr.isatty():
        with _bar() as display:
            yield display
    else:
        yield _Lines()


class _Lines:
    """Progress for logs: when a step starts, and a sign of life every few seconds."""

    def __init__(self) -> None:
        self._step = ""
        self._note = ""
        self._said = 0.0

    def __call__(self, step: str, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        fresh = step != self._step
        changed = note != self._note and now - self._said > 2
        if fresh or changed or now - self._said > 10:
            count = f" {done}/{total}" if total and not fresh else ""
            _to_stderr(f"{step}:{count} {note}".rstrip(": "))
            self._step, self._note, self._said = step, note, now


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns: list[Any] = [
        TextColumn("{task.fields[step]:>9}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    ]
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def display(step: str, done: int, total: int, note: str = "") -> None:
            note = clean(note)
            if step not in tasks:
                tasks[step] = bar.add_task(note, total=total or None, step=step)
            bar.update(tasks[step], completed=done, total=total or None, description=note)

        yield display
