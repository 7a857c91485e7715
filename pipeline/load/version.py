"""Which Keras wrote a file, as the file says."""

from __future__ import annotations

from typing import Any

from pipeline.errors import ModelError


def version_of(metadata: Any, where: str) -> str:
    """Return the Keras that wrote an archive, as its metadata.json says.

    Raises:
        ModelError: it does not say so.
    """
    version = metadata.get("keras_version", "") if isinstance(metadata, dict) else None
    if not isinstance(version, str):
        raise ModelError("its configuration can not be read (no version of Keras)", where=where)
    return plain_version(version)


def plain_version(text: str) -> str:
    """Keep digits, dots and letters of a version."""
    return "".join(c for c in text[:40] if c.isascii() and (c.isalnum() or c in ".-+"))


def weights_only(where: str) -> ModelError:
    """The error for a file without a network."""
    return ModelError(
        "holds weights only, not the network",
        where=where,
        hint="save all of it: model.save('net.keras')",
    )
