"""Exchange: requests that are sent again until they are answered, and how long to wait."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pipeline.errors import DeviceError, LinkError
from pipeline.measure.frames import Frame, Nak, Type, encode
from pipeline.measure.frames import words as text_of
from pipeline.measure.link import Link

_MOST_RESTARTS = 3
_AFTER_GREETING = 0.1
_HUNT_AFTER = 3
_LEAST_TRIES = 4
_ANSWER_BYTES = 600
_REASON_CHARACTERS = 300
# A machine with more to do than it has processors lets a process wait so long.
_STALL = 0.25
# Answers that are not whole, and refusals that bring nothing new, until the line is given up.
_MOST_AGAIN = 120
_MOST_BUSY = 3
# An emulator that has had less of the processor than this share of the time was not silent.
_AWAKE, _MOST_STRETCH = 0.5, 10
_FIRST_SECONDS = 60.0  # of an emulator that has not answered yet: an engine may be starting
_LAST_SECONDS = 1800.0  # of one request, whatever the chip says


@dataclass(frozen=True)
class LinkStats:
    """What the line has cost.

    Attributes:
        requests: requests that were answered.
        frames_sent: frames written, resent ones too.
        chunks_resent: input chunks that had to be sent again.
        timeouts: times that no answer came in time.
        naks: requests the chip refused (missing chunks, for the most part).
        broken: pieces from the chip that were no whole frame.
        discarded: whole frames that belonged to no request under way.
        restarts: times the chip has restarted.
        slowed: times a slower speed was taken, since too much had to be sent again.
        placed: inputs that a debugger put into memory instead of the line.
        baud: bits per second at the end; 0 where the line has no speed of its own.
    """

    requests: int = 0
    frames_sent: int = 0
    chunks_resent: int = 0
    timeouts: int = 0
    naks: int = 0
    broken: int = 0
    discarded: int = 0
    restarts: int = 0
    slowed: int = 0
    placed: int = 0
    baud: int = 0


class Verdict(Enum):
    """What a frame means to the request it answers."""

    MORE = 0
    DONE = 1
    AGAIN = 2
    PROGRESS = 3


class Timer:
    """How long to wait for a first answer, in seconds; after TCP's way (RFC 6298).

    Only answers to what was sent once tell how long an answer takes (Karn's rule). On a bad
    line most are lost, not late, so each request begins anew with the same time; it grows
    for good where one after the other was waited for in vain.
    """

    LEAST, MOST = 0.1, 4.0

    def __init__(self, wait: float = 0.5) -> None:
        self._mean = 0.0
        self._spread = 0.0
        self._base = wait
        self._repeated = 0

    def wait(self, missed: int) -> float:
        """After so many times in vain."""
        return float(min(self._base * 2 ** min(missed, 8), self.MOST))

    def saw(self, seconds: float, missed: int) -> None:
        """An answer came so long after the last sending, before which so many were in vain."""
        if missed:
            self._repeated += 1
            if self._repeated > 2:
                self._base = min(self._base * 1.5, self.MOST)
            return
        self._repeated = 0
        if self._mean == 0.0:
            self._mean, self._spread = seconds, seconds / 2
        self._spread += 0.25 * (abs(seconds - self._mean) - self._spread)
        self._mean += 0.125 * (seconds - self._mean)
        self._base = min(max(self._mean + 4 * self._spread, self.LEAST), self.MOST)


class Patience:
    """How long a chip may compute, learnt from what it announced and what it took.

    An emulator's second is not ours: the ratio of the two is kept, the longest lately.

    Args:
        silence: seconds allowed where nothing is known.
    """

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self._ratio = 0.0
        self._longest = 0.0

    def seconds(self, announced: float) -> float:
        """How long to wait where the chip has announced so many seconds (0: unknown).

        What it announces is believed up to a limit: no chip makes a host wait for hours.
        """
        if not announced:
            return self._silence
        wait = 2 * self._ratio * announced + _STALL if self._ratio else 10 + 40 * announced
        return min(wait, max(1.5 * self._silence, 3 * self._longest))

    def learn(self, took: float, announced: float) -> None:
        """It took so many of our seconds."""
        self._longest = max(self._longest, took)
        if announced:
            self._ratio = max(took / announced, self._ratio * 0.95)


class Exchange:
    """Sends requests to one chip, one at a time, and waits for their answers.

    Args:
        link: the line to it.
        silence: seconds the chip may compute where it can't say how long.
        give_up: seconds without a valid answer until it counts as lost.
    """

    def __init__(self, link: Link, silence: float, give_up: float) -> None:
        self.link = link
        self.give_up = give_up
        self.timer = Timer()
        self.patience = Patience(silence)
        self.counts: Counter[str] = Counter()
        self._sequence = random.randrange(1 << 16)
        self._last_valid = time.monotonic()
        self._last_spent = link.spent() or 0.0
        self._begun = self._until = time.monotonic()
        self._doing = ""
        self._busy = 0
        self._restarts = link.restarts
        self._acquainted = False
        self._restarted = False
        self._misses = 0
        self._own_baud = link.baud  # the chip's after every restart
        self._other_baud = link.baud

    def next_sequence(self) -> int:
        """A number no request has had for a long time."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        return self._sequence

    def begin(self, doing: str) -> None:
        """A new request: the time until it is given up starts, and restarts are counted anew.

        Args:
            doing: what for, for an error message.
        """
        self._begun = time.monotonic()
        self._until = self._begun + 3 * self.give_up
        self._doing = doing
        self._busy = 0
        self._valid()
        self._restarts = self.link.restarts

    def busy(self, frame: Frame) -> float:
        """How long to wait after a BUSY; a request that is sent again may have a few."""
        wait = self.patience.seconds(announced(frame))
        self._busy += 1
        if self._busy <= _MOST_BUSY:
            self.allow(wait)
        return wait

    def allow(self, seconds: float) -> None:
        """The request under way may take so much longer from now on: it makes progress."""
        until = time.monotonic() + seconds + 3 * self.give_up
        self._until = max(self._until, min(until, self._begun + _LAST_SECONDS))

    def _valid(self) -> None:
        self._last_valid = time.monotonic()
        self._last_spent = self.link.spent() or 0.0

    def send(self, frames: list[bytes]) -> float:
        """Writes frames; returns the seconds they are on the line."""
        data = b"".join(frames)
        self.counts["frames_sent"] += len(frames)
        self.link.write(data)
        seconds = self.link.seconds(len(data))
        self._until = min(self._until + seconds, self._begun + _LAST_SECONDS)
        return seconds

    def frame(self, sequence: int, timeout: float) -> Frame | None:
        """The next frame that answers `sequence`; None after `timeout`, or when the chip restarts.

        Raises:
            DeviceError: the chip restarts again and again.
            LinkError: it never comes to an end.
        """
        watch = Watch(self.link, timeout)
        deadline = time.monotonic() + timeout
        while True:
            now = time.monotonic()
            if now > self._until:
                raise self.endless()
            item = self.link.next(deadline - now)
            if item is None:
                more = watch.more()
                if not more:
                    return None
                self.allow(more)
                self._valid()
                deadline = time.monotonic() + more
                continue
            if isinstance(item, str):
                if not item.startswith("m-init-done"):
                    if now > deadline:
                        return None
                    continue
                if self._acquainted:
                    self._count_restart()
                    return None
                # It has only just started; what was sent before may have been heard or not.
                deadline = min(deadline, time.monotonic() + _AFTER_GREETING)
            elif item.sequence == sequence:
                self._valid()
                self._acquainted = True
                self._misses = 0
                return item
            else:
                self.counts["discarded"] += 1
                if now > deadline:
                    return None

    def _count_restart(self) -> None:
        self.counts["restarts"] += 1
        self._restarted = True
        if self.link.restarts - self._restarts > _MOST_RESTARTS:
            raise DeviceError(
                f"the chip restarts again and again; {self.link.last_lines()}",
                where=self.link.where,
                hint="a watchdog, or too weak a supply?",
            )

    def missed(self, doing: str) -> None:
        """No answer in time.

        Raises:
            LinkError: for too long now.
        """
        if self._restarted:
            self._restarted = False
            return
        self.counts["timeouts"] += 1
        self._misses += 1
        if self._misses >= _HUNT_AFTER and self._other_baud != self._own_baud:
            # Restarted unheard, perhaps: it would be back at its own speed.
            raised = self.link.baud != self._own_baud
            self.link.baud = self._own_baud if raised else self._other_baud
        silent_for = time.monotonic() - self._last_valid
        tried = self._misses >= _LEAST_TRIES or not self._acquainted
        if tried and self._is_silent(silent_for):
            raise self._explained(self.link.silent(doing, silent_for))

    def _is_silent(self, seconds: float) -> bool:
        """So long without an answer is too long; an emulator's time is what it had to compute."""
        spent = self.link.spent()
        if spent is None:
            return seconds > self.give_up
        patience = self.give_up if self._acquainted else max(self.give_up, _FIRST_SECONDS)
        had = spent - self._last_spent
        return had > patience or seconds > _MOST_STRETCH * patience

    def endless(self) -> LinkError:
        """The error for a chip that says something all the time, but not what it was asked."""
        seconds = time.monotonic() - self._begun
        return LinkError(
            f"no end after {seconds:.0f} s of {self._doing}; {self.link.last_lines()}",
            where=self.link.where,
            hint="is the firmware one of ours? `mcu flash` puts it there again",
        )

    def incomplete(self) -> LinkError:
        """The error for answers that are never whole."""
        return self._explained(
            LinkError(
                f"{self._doing}: {_MOST_AGAIN} answers, and none was whole; "
                f"{self.link.last_lines()}",
                where=self.link.where,
                hint="a bad line, or a firmware that is not ours? `mcu flash` puts it there again",
            )
        )

    def _explained(self, error: LinkError) -> LinkError:
        """The same error, with what the line does to some bytes where it does."""
        from pipeline.measure.diagnosis import lost_bytes

        found = lost_bytes(self.link)
        return error if found is None else LinkError(found[0], where=error.where, hint=found[1])

    @property
    def own_baud(self) -> int:
        """The speed the line had at first."""
        return self._own_baud

    def change_baud(self, baud: int) -> None:
        """The line goes on at another speed."""
        self.link.baud = baud
        self._other_baud = baud

    def start(self, kind: Type, payload: bytes, doing: str) -> int:
        """Sends a request once; gives the number that answers it."""
        self.begin(doing)
        sequence = self.next_sequence()
        self.send([encode(kind, sequence, payload)])
        return sequence

    def ask(
        self,
        kind: Type,
        payload: bytes,
        take: Callable[[Frame], Verdict],
        doing: str,
        tries: int | None = None,
        *,
        computes: bool = False,
    ) -> None:
        """Sends a request until `take` has all it wants of the answer.

        Args:
            kind, payload: the request.
            take: called with each frame that answers it.
            doing: what for, for an error message.
            tries: give up after so many, sooner than usual.
            computes: the chip may announce that it takes its time.

        Raises:
            LinkError: no answer, or none that comes to an end.
            DeviceError: the firmware refuses.
            FirmwareCrashed: it reports a fault.
        """
        self.begin(doing)
        sequence = self.next_sequence()
        missed = again = 0
        while True:
            wait = self.timer.wait(missed) + self.send([encode(kind, sequence, payload)])
            wait += self.link.seconds(_ANSWER_BYTES)
            asked = time.monotonic()
            answered = False
            while (frame := self.frame(sequence, wait)) is not None:
                now = time.monotonic()
                if not answered:
                    self.timer.saw(now - asked, missed)
                answered = True
                if frame.type == Type.NAK:
                    if self.stale(frame):
                        sequence = self.next_sequence()
                        again += 1
                        break
                    raise self.refusal(frame)
                if frame.type == Type.BUSY and computes:
                    wait = max(wait, self.busy(frame))
                verdict = take(frame)
                if verdict == Verdict.DONE:
                    self.counts["requests"] += 1
                    return
                if verdict == Verdict.PROGRESS:
                    self.allow(wait)
                if verdict == Verdict.AGAIN:
                    again += 1
                    break
            else:
                missed += 1
                if missed == tries:
                    raise self.link.silent(doing, time.monotonic() - self._last_valid)
                self.missed(doing)
            if again > _MOST_AGAIN:
                raise self.incomplete()

    def stale(self, frame: Frame) -> bool:
        """The chip holds a newer request: this one needs a new number."""
        self.counts["naks"] += 1
        return frame.payload[:1] == bytes([Nak.STALE])

    def refusal(self, frame: Frame) -> DeviceError:
        """The error for a NAK that asking again does not help."""
        reason = frame.payload[0] if frame.payload else 0
        known: dict[int, str] = {
            Nak.ENGINE: text_of(frame.payload[1:])[:_REASON_CHARACTERS],
            Nak.TYPE: "it does not know the request",
            Nak.LENGTH: "the request has a length it can't have",
        }
        said = known.get(reason, f"reason {reason}")
        return DeviceError(f"the firmware refuses: {said}", where=self.link.where)


def announced(frame: Frame) -> float:
    """Seconds that a BUSY frame announces; 0 where the chip can't know."""
    return int.from_bytes(frame.payload[:4], "little") / 1e6


class Watch:
    """Whether a time that is over was silence: what was sent may be on its way still, and an
    emulator may not have had its turn.

    Args:
        link: the line.
        seconds: that were given.
    """

    def __init__(self, link: Link, seconds: float) -> None:
        self._link = link
        self._seconds = max(seconds, _STALL)
        self._begun = time.monotonic()
        self._unsent = link.unsent()
        self._spent = link.spent()

    def more(self) -> float:
        """Seconds to wait on; 0 where it was silence."""
        left = self._link.unsent()
        taken, self._unsent = left < self._unsent, left
        if taken:
            return self._seconds
        spent = self._link.spent()
        if spent is None or self._spent is None or self._seconds < 1:
            return 0.0
        passed = time.monotonic() - self._begun
        starved = spent - self._spent < _AWAKE * passed and spent > self._spent
        return self._seconds if starved and passed < _MOST_STRETCH * self._seconds else 0.0
