"""A worker of the pool: deploys what it is asked to, one after the other.

Requests come as JSON lines on standard input, messages go as JSON lines to standard output.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import signal
import sys
import threading
import time
from typing import Any

from pipeline.deploy import deploy
from pipeline.errors import McuError
from pipeline.oserrors import own_error
from pipeline.run import be_patient

_BETWEEN_MESSAGES = 0.1
_END_SECONDS = 6.0


def main() -> None:
    """Works until standard input ends."""
    be_patient()
    # What libraries print must not get between the messages.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    # Whoever started us in the background may have had it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
    busy = threading.Event()
    threading.Thread(target=_listen, args=(requests, busy), daemon=True).start()
    try:
        while (request := requests.get()) is not None:
            busy.set()
            answer = _answer(request, _Sender(out))
            busy.clear()
            out.write(json.dumps(answer) + "\n")
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    # Emulators that are kept for the next request, and their folders.
    atexit._run_exitfuncs()
    # The stream may be half written to a pipe that nobody reads: nothing is left to flush.
    os._exit(0)


def _listen(requests: queue.Queue[dict[str, Any] | None], busy: threading.Event) -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    requests.put(None)
    if busy.is_set():
        # As with Ctrl-C: what runs cleans up after itself. A signal also ends a blocking call.
        main_thread = threading.main_thread().ident
        assert main_thread is not None
        signal.pthread_kill(main_thread, signal.SIGINT)
    # It may be deep in a library that hears no signal: then it ends as it is.
    time.sleep(_END_SECONDS)
    os._exit(1)


class _Sender:
    """Progress as messages, not more than ten a second of one step."""

    def __init__(self, out: Any) -> None:
        self._out = out
        self._step = ""
        self._sent = 0.0

    def __call__(self, step: str, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if step != self._step or now - self._sent > _BETWEEN_MESSAGES:
            self._step, self._sent = step, now
            self._out.write(json.dumps({"progress": [step, done, total, note]}) + "\n")


def _answer(request: dict[str, Any], progress: _Sender) -> dict[str, Any]:
    try:
        report = deploy(**request, progress=progress).report
        assert report is not None
        return {"report": report.to_json()}
    except McuError as error:
        return {"error": error_document(error)}
    except OSError as error:
        return {"error": error_document(own_error(error, {"--out": request.get("out", "")}))}
    except Exception as error:
        bug = McuError(f"internal error: {type(error).__name__}: {error}", hint="this is a bug")
        return {"error": error_document(bug)}


def error_document(error: McuError) -> dict[str, Any]:
    """An error as JSON, as `--json` shows it."""
    return {
        "kind": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }


if __name__ == "__main__":
    main()
