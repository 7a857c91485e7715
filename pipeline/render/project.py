"""Project: a rendered PlatformIO project on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Golden:
    """A sample and what the reference answers, for the project's own test.

    Attributes:
        input, output: the bytes of the one input tensor and of the one output tensor.
        reference: what computed the output.
    """

    input: bytes
    output: bytes
    reference: str


@dataclass(frozen=True)
class Project:
    """A folder that `pio run` builds, with or without this package.

    Attributes:
        path: the project's folder.
        board: id of the board it is rendered for.
        engine: "aot" or "tflm".
        name: the model's name.
    """

    path: Path
    board: str
    engine: str
    name: str
