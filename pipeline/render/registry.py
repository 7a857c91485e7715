"""Whether PlatformIO's registry can be reached: asked once, quickly, and remembered.

PlatformIO itself retries for a minute before it gives up, so it is never left to find out.
"""

from __future__ import annotations

import os
import socket
from functools import cache

REGISTRY_HOST = "api.registry.platformio.org"
CONNECT_SECONDS = 1.5


def offline() -> bool:
    """True where builds have to do without the registry.

    The environment variable MCU_OFFLINE decides where it is set ("1" or "0").
    """
    forced = os.environ.get("MCU_OFFLINE", "")
    if forced:
        return forced not in ("0", "no", "false")
    return not registry_reachable()


@cache
def registry_reachable() -> bool:
    """Tries to connect to the registry, for 1.5 s at most."""
    # Name resolution has no time limit of its own, so the whole attempt runs aside.
    from threading import Thread

    answer: list[bool] = []

    def attempt() -> None:
        try:
            with socket.create_connection((REGISTRY_HOST, 443), timeout=CONNECT_SECONDS):
                answer.append(True)
        except OSError:
            answer.append(False)

    thread = Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS + 0.5)
    return bool(answer and answer[0])
