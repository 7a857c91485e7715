"""FlatModel: a .tflite file in memory, not yet read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class FlatModel:
    """A TFLite flatbuffer.

    Attributes:
        name: short name, used for files and in the report; a C identifier.
        content: the flatbuffer's bytes.
        notes: what a person should know of its making.
    """

    name: str
    content: bytes
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """SHA-256 of the flatbuffer, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()
