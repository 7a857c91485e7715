"""FlatModel: a .tflite file in memory, not yet read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pipeline.load.names import identifier


@dataclass(frozen=True)
class FlatModel:
    """A TFLite flatbuffer.

    Attributes:
        name: short name, used for files and in the report; a C identifier, anything
            else is made one.
        content: the flatbuffer's bytes.
        notes: what a person should know of its making.
    """

    name: str
    content: bytes
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # Here and nowhere else, so that no source of names can forget it: they go into C and ini.
        object.__setattr__(self, "name", identifier(self.name))

    @property
    def sha256(self) -> str:
        """SHA-256 of the flatbuffer, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()
