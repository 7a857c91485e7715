"""Names that are safe in C, and text that is safe on a terminal."""

from __future__ import annotations

import re
import unicodedata

# Words that a C file of ours could not use as a name; C11 6.4.1 and the C library's main.
_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while main"
)
_RESERVED = frozenset(_WORDS.split())
# Letters that do not come apart into a Latin letter and its accent.
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "ł": "l"})
_LONGEST = 64  # C compilers tell no more than 63 characters apart, by C11 5.2.4.1


def identifier(text: str) -> str:
    """Turn any text (a file's stem, say) into a C identifier.

    `"my-net.v2"` gives `"my_net_v2"`, `"mödel"` gives `"model"`; an identifier stays as it is.
    """
    plain = unicodedata.normalize("NFKD", text[:1000].translate(_LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    name = re.sub(r"[^0-9A-Za-z_]+", "_", plain).strip("_")[:_LONGEST].rstrip("_")
    if not name or name[0].isdigit() or name in _RESERVED:
        name = f"model_{name}".rstrip("_")
    return name[:_LONGEST]


def printable(text: object, longest: int = 200) -> str:
    """Return text from a file without what a terminal would take as a command, and not too long."""
    cut = str(text)[: longest + 1]
    clean = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in cut)
    return clean if len(clean) <= longest else clean[:longest] + "..."
