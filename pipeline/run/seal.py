"""The seal of a run's records: what this user's own commands have made is told from the rest.

A run folder can come from anywhere, with records that say its project was rendered and its
firmware built from just these inputs. A record counts only where it carries a code (HMAC-SHA-256)
that needs a key of this user to be made. The key never leaves this user's state folder.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from functools import cache
from pathlib import Path

from pipeline.run.inside import read_limited
from pipeline.run.private import private_folder

_NAME = "seal.key"
_BYTES = 32


def seal_of(*parts: object) -> str:
    """The code of JSON-able values, hexadecimal."""
    text = json.dumps(parts, sort_keys=True).encode()
    return hmac.new(_key(), text, hashlib.sha256).hexdigest()


def is_sealed(seal: object, *parts: object) -> bool:
    """Whether `seal` is the code of these values, made by this user."""
    return isinstance(seal, str) and hmac.compare_digest(seal.encode(), seal_of(*parts).encode())


@cache
def _key() -> bytes:
    try:
        return _kept_key(private_folder())
    except OSError:
        # Nowhere to keep one: what this process makes is known to this process alone.
        return secrets.token_bytes(_BYTES)


def _kept_key(folder: Path) -> bytes:
    path = folder / _NAME
    for _ in range(2):
        try:
            key = read_limited(path, _BYTES, follow=False)
            if len(key) == _BYTES:
                return key
            path.unlink()
        except FileNotFoundError:
            pass
        handle, name = tempfile.mkstemp(prefix=f".{_NAME}.", dir=folder)
        fresh = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(_BYTES))
            # Unlike a rename, a link leaves alone what another process has just made.
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink(missing_ok=True)
    return read_limited(path, _BYTES, follow=False)
