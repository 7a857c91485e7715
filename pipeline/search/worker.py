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
from pipeline.oserrors import own_error
from pipeline.run import be_patient
from pipeline.search.candidate import Measurer
from pipeline.search.settings import Settings
from pipeline.search.study import open_study
from pipeline.search.work import work

_END_SECONDS = 15.0


def main() -> int:
    """Works until the study is done; returns the process's exit code."""
    settings = Settings.from_json(json.loads(sys.stdin.readline()))
    be_patient()
    threading.Thread(target=_follow_parent, daemon=True).start()
    try:
        work(
            open_study(settings),
            Measurer(settings),
            trials=settings.trials,
            seconds=settings.seconds,
        )
    except McuError as error:
        print(json.dumps(_said(error)), flush=True)  # noqa: T201  (the protocol to the parent)
        return 1
    except OSError as error:
        own = own_error(error, {"--out": settings.out})
        print(json.dumps(_said(own)), flush=True)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _said(error: McuError) -> dict[str, str]:
    return {
        "kind": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "hint": error.hint,
    }


def _follow_parent() -> None:
    """Interrupts this process when its parent is gone."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)
    # It may be deep in a library that hears no signal: then it ends as it is.
    time.sleep(_END_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
