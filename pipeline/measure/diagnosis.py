"""Lines that eat some bytes, or add some: found out with frames that hold none of them.

A terminal or a serial server with software flow control takes XON and XOFF for itself, and
one in text mode puts a CR before each LF. Text gets through such a line; frames do not.
"""

from __future__ import annotations

import time

from pipeline.errors import LinkError
from pipeline.measure.frames import Frame, Type, encode
from pipeline.measure.link import Link

_SECONDS = 0.7
_TRIES = 2
_FLOW = "switch software flow control off: `stty -ixon -ixoff`, or the serial server's option"
_TEXT = "switch the line to raw: `stty raw`, or the serial server's option (telnet is not raw)"
_SUSPECTS = {
    0x11: ("eats the byte 0x11 (XON)", _FLOW),
    0x13: ("eats the byte 0x13 (XOFF)", _FLOW),
    0x0A: ("changes line ends (0x0A, LF)", _TEXT),
    0x0D: ("changes line ends (0x0D, CR)", _TEXT),
    0xFF: ("eats or doubles the byte 0xFF", _TEXT),
}


def lost_bytes(link: Link) -> tuple[str, str] | None:
    """What the line does to bytes, and what to do; None where it does nothing or is silent."""
    try:
        if not _echoed(link, b"ok"):
            return None
        for byte, (what, hint) in _SUSPECTS.items():
            if not _echoed(link, bytes([byte])):
                return f"the line {what}: other frames come through, those with it never do", hint
    except LinkError:
        pass
    return None


def _echoed(link: Link, payload: bytes) -> bool:
    """Whether a ping with this payload, and no other byte that lines eat, comes back."""
    for sequence in range(1, 1 << 16):
        ping = encode(Type.PING, sequence, payload)
        pong = encode(Type.PONG, sequence, payload)
        rest = (ping + pong).replace(payload, b"")
        if not any(byte in rest for byte in _SUSPECTS):
            break
    else:
        return True
    for _ in range(_TRIES):
        link.write(ping)
        deadline = time.monotonic() + _SECONDS
        while (left := deadline - time.monotonic()) > 0:
            item = link.next(left)
            same = isinstance(item, Frame) and item.sequence == sequence
            if same and isinstance(item, Frame) and item.payload == payload:
                return True
    return False
