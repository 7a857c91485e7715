"""A worker process of `mcu search --workers N`: `python -m pipeline.search.worker`.

Its settings come as one line of JSON on stdin, which then stays open for as long as the
parent lives. On failure it writes the error as JSON to stdout.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time

from pipeline.errors import McuError
from pipeline.search.candidate import Measurer
from pipeline.search.settings import Settings
from pipeline.search.study import open_study
from pipeline.search.work import work

_END_SECONDS = 15.0


def main() -> int:
    """Works until the study is done; returns the process's exit code."""
    settings = Settings.from_json(json.loads(sys.stdin.readline()))
    threading.Thread(target=_follow_parent, daemon=True).start()
    try:
        work(
            open_study(settings),
            Measurer(settings),
            trials=settings.trials,
            seconds=settings.seconds,
        )
    except McuError as error:
        said = {
            "kind": type(error).__name__,
            "what": error.what,
            "where": error.where,
            "hint": error.hint,
        }
        print(json.dumps(said), flush=True)  # noqa: T201  (the protocol to the parent)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _follow_parent() -> None:
    """Interrupts this process when its parent is gone."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)
    # It may be deep in a library that hears no signal: then it ends as it is.
    time.sleep(_END_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
