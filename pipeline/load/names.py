"""Names that are safe in C."""

from __future__ import annotations

import re

# Words that a C file of ours could not use as a name; C11 6.4.1 and the C library's main.
_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while main"
)
_RESERVED = frozenset(_WORDS.split())


def identifier(text: str) -> str:
    """Turn any text (a file's stem, say) into a C identifier: `"my-net.v2"` -> `"my_net_v2"`."""
    name = re.sub(r"[^0-9A-Za-z_]+", "_", text).strip("_")
    if not name or name[0].isdigit() or name in _RESERVED:
        name = f"model_{name}".rstrip("_")
    return name
