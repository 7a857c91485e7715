"""The text protocol, from the host's side: commands end in `%`, answers in `m-ready`."""

from __future__ import annotations

import re
import secrets
import time

from pipeline.errors import DeviceError, LinkError
from pipeline.measure.link import Link

_READY = "m-ready"
_LINE_BYTES = 31
_SETTLE_TRIES = 5
_LEAST_SECONDS = 10.0
_MOST_LINES = 1 << 17
_MOST_RESULTS = 1 << 16
_NUMBER = re.compile(r"-?(?:\d{1,20}(?:\.\d{1,10})?|inf)")
LAP = re.compile(r"m-lap-us-(\d{1,20})")
"""A moment by the chip's clock, in microseconds."""


class Monitor:
    """MLPerf Tiny's commands over a link.

    Args:
        link: the line to the chip.
        timeout: seconds without any line until the chip counts as silent.
    """

    def __init__(self, link: Link, timeout: float = 5.0) -> None:
        self._link = link
        self._timeout = timeout

    def settle(self) -> None:
        """Reads away the greeting, and what is left of earlier commands, however late they come.

        A command that no firmware knows is answered with its own word, so what comes before
        that word is old.

        Raises:
            LinkError: no answer.
        """
        for _ in range(_SETTLE_TRIES):
            word = f"sync-{secrets.token_hex(4)}"
            # The 0x00 ends what is left of a command on the chip's side.
            self._link.write(b"\0" + word.encode("ascii") + b"%")
            if self._heard(word, self._timeout / _SETTLE_TRIES):
                return
        raise self._link.silent("waiting for an answer", self._timeout)

    def _heard(self, word: str, seconds: float) -> bool:
        """Whether a line with that word, and the end of that answer, have come in time."""
        deadline = time.monotonic() + seconds
        found = False
        while (left := deadline - time.monotonic()) >= 0:
            item = self._link.next(left)
            if isinstance(item, str):
                found = found or word in item
                if found and item == _READY:
                    return True
        return False

    def command(self, text: str, timeout: float | None = None) -> list[str]:
        """The lines that answer a command, `m-ready` left out.

        Raises:
            LinkError: no answer.
            DeviceError: the chip answers with `e-[...]`.
            FirmwareCrashed: it reports a fault.
        """
        patience = timeout if timeout is not None else self._timeout
        self._link.write(text.encode("ascii") + b"%")
        lines: list[str] = []
        deadline = time.monotonic() + patience
        end = deadline + 2 * patience + _LEAST_SECONDS  # of an answer that never ends
        while True:
            item = self._link.next(deadline - time.monotonic())
            if item is None:
                raise self._link.silent(f"waiting for the answer to {text[:24]!r}", patience)
            deadline = min(time.monotonic() + patience, end)
            if item == _READY:
                break
            if time.monotonic() > end or len(lines) > _MOST_LINES:
                raise LinkError(
                    f"the answer to {text[:24]!r} has no end; {self._link.last_lines()}",
                    where=self._link.where,
                )
            if isinstance(item, str):
                lines.append(item)
        for line in lines:
            if line.startswith("e-["):
                raise DeviceError(f"the firmware answers {line}", where=self._link.where)
        return lines

    def name(self) -> str:
        """What the device calls itself."""
        return self._bracketed("name", "m-name-dut-")

    def model_id(self) -> str:
        """The model's id."""
        return self._bracketed("profile", "m-model-")

    def _bracketed(self, command: str, before: str) -> str:
        for line in self.command(command):
            match = re.fullmatch(re.escape(before) + r"\[(.*)\]", line)
            if match:
                return match.group(1)
        raise DeviceError(f"{command!r} has no answer {before}[...]", where=self._link.where)

    def info(self) -> dict[str, str]:
        """All the firmware says of itself."""
        pairs: dict[str, str] = {}
        for line in self.command("info"):
            key, _, value = line.removeprefix("m-info-[").removesuffix("]").partition("=")
            pairs[key] = value
        return pairs

    def load(self, data: bytes) -> None:
        """Puts an input into the chip's buffer, 31 bytes a line as the benchmark does."""
        self.command(f"db load {len(data)}")
        for start in range(0, len(data), _LINE_BYTES):
            self.command(f"db {data[start : start + _LINE_BYTES].hex()}")

    def _numbers(self, text: str) -> tuple[float, ...]:
        """A result vector; the firmware writes what is beyond 2^63 as inf."""
        parts = [part for part in text.split(",") if part]
        if len(parts) > _MOST_RESULTS or not all(_NUMBER.fullmatch(part) for part in parts):
            raise DeviceError(
                f"`infer` is answered with {text[:60]!r}, no numbers", where=self._link.where
            )
        return tuple(float(part) for part in parts)

    def infer(
        self, count: int = 1, warmups: int = 0, timeout: float = 60.0
    ) -> tuple[int, tuple[float, ...]]:
        """Runs the loaded input.

        Returns:
            Microseconds of the `count` inferences together, and the result vector.
        """
        stamps, results = [], None
        for line in self.command(f"infer {count} {warmups}", timeout):
            if match := LAP.fullmatch(line):
                stamps.append(int(match.group(1)))
            elif match := re.fullmatch(r"m-results-\[(.*)\]", line):
                results = self._numbers(match.group(1))
        if len(stamps) != 2 or results is None or stamps[1] < stamps[0]:
            raise DeviceError("`infer` was not answered whole", where=self._link.where)
        return stamps[1] - stamps[0], results
