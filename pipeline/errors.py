"""The one tree of errors. Every error says what went wrong, where, and what to do.

Each branch has its exit code (docs/errors.md lists them): the command line prints the
message and leaves with that code; a Python caller catches the branch it can handle.
"""

from __future__ import annotations


class McuError(Exception):
    """Base of all errors raised by this package.

    Args:
        what: one sentence, what went wrong.
        where: file, layer, board, port or option the error is about ("" if nowhere).
        hint: what the person can do about it ("" if nothing is known).
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class StepFailed(McuError):
    """A step could not do its work (compiler, converter, training)."""


class ToolMissing(StepFailed):
    """A program the step needs is not installed."""


class ModelError(StepFailed):
    """The model file is broken, of the wrong kind, or not accepted."""


class UnsupportedOp(ModelError):
    """An operator the engine has no kernel for; `where` names the layer."""


class DataError(StepFailed):
    """The data set has the wrong shape, type, values or labels."""


class WrongUse(McuError):
    """Options or arguments that make no sense (unknown board, bad value)."""

    exit_code = 2


class DoesNotFit(McuError):
    """Flash or RAM of the board is exceeded: which section, by how many bytes."""

    exit_code = 3


class DeviceError(McuError):
    """Board, serial port, probe, flashing or emulator."""

    exit_code = 4


class LinkError(DeviceError):
    """The serial line or the protocol on it: timeout, CRC, unexpected message."""


class FirmwareCrashed(DeviceError):
    """The firmware reported a fault; the fault registers are in the message."""


class AccuracyGate(McuError):
    """Accuracy is below its bound, or device and host differ."""

    exit_code = 5


class PerformanceGate(McuError):
    """Time, flash or RAM is above its bound."""

    exit_code = 6


class Interrupted(McuError):
    """The person pressed Ctrl-C."""

    exit_code = 130
