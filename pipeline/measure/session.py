"""Session: what a host asks of a chip, whatever the line does to the bytes.

A wrong byte never becomes a wrong result: frames carry a CRC, a RUN carries the CRC of the
whole input and its answer repeats it, and the output has a CRC of its own.
"""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.errors import DeviceError, LinkError
from pipeline.measure.exchange import Exchange, LinkStats, Timer, Verdict, announced
from pipeline.measure.firmware import MOST_INFO_BYTES, check_info, parse_info, total_bytes
from pipeline.measure.frames import Frame, Nak, Type
from pipeline.measure.link import Link
from pipeline.measure.placed import Placed
from pipeline.measure.stepper import Stepper
from pipeline.measure.transfer import Answer, Transfer, missing_chunks

PROTOCOL = "1"
RATES = (2_000_000, 1_000_000, 921_600, 460_800, 230_400)
_REFUSAL_SECONDS = 0.03
# So many repeated requests among so many inferences: a slower speed is faster.
_WATCHED, _MOST_REPEATED = 8, 4
_MOST_REFUSED = 60
_MOST_SECONDS = 86_400  # of the chip's own time, that an inference may take
_HOLD_SECONDS = 0.7  # the chip holds a new speed for 0.5 s
_TICKS = struct.Struct("<HQ")
_STATE = struct.Struct("<IIIII")
_SPEED = struct.Struct("<IB")


@dataclass(frozen=True)
class State:
    """Memory of the chip in bytes, and frames by the chip's own count."""

    stack_bytes: int
    stack_peak_bytes: int
    arena_bytes: int
    frames_accepted: int
    frames_broken: int


class Session:
    """Requests to one chip, one after the other.

    Args:
        link: the line to it.
        silence: seconds the chip may compute before its first answer, when it can't say.
        give_up: seconds without a valid answer, beyond the silence it has announced, until
            it counts as lost.
    """

    def __init__(self, link: Link, *, silence: float = 60.0, give_up: float = 8.0) -> None:
        self._link = link
        self._exchange = Exchange(link, silence, give_up)
        # Of its own: an emulator takes the chunks before a RUN at a pace nobody announces.
        self._run_timer = Timer(wait=1.0)
        self._chunk_bytes = 0
        self._output_bytes = 0
        self._info: dict[str, str] = {}
        self._watched = 0
        self._repeated_before = 0

    @property
    def stats(self) -> LinkStats:
        """Counts so far."""
        counts = dict(self._exchange.counts)
        return LinkStats(**counts, broken=self._link.broken, baud=self._link.baud)

    @property
    def info(self) -> dict[str, str]:
        """What the firmware said of itself at `hello`."""
        return dict(self._info)

    def hello(self) -> dict[str, str]:
        """Starts the session: key -> value as the firmware describes itself.

        Raises:
            LinkError: no answer, or another version of the protocol.
            DeviceError: the engine did not start.
            FirmwareCrashed: it reports a fault.
        """
        pieces: dict[int, bytes] = {}
        count = 0

        def take(frame: Frame) -> Verdict:
            nonlocal count
            if frame.type != Type.INFO or len(frame.payload) < 2:
                return Verdict.MORE
            index, last = frame.payload[:2]
            pieces[index] = frame.payload[2:]
            if sum(map(len, pieces.values())) > MOST_INFO_BYTES:
                raise self._impossible("says more of itself than a firmware can")
            if last:
                count = index + 1
            if count and all(i in pieces for i in range(count)):
                return Verdict.DONE
            return Verdict.AGAIN if last else Verdict.MORE

        self._exchange.ask(Type.HELLO, b"", take, "asking the firmware for its name")
        info = parse_info(b"".join(pieces[i] for i in range(count)))
        if info.get("protocol") != PROTOCOL:
            raise LinkError(
                f"the firmware speaks version {info.get('protocol', '?')[:20]} of the protocol, "
                f"this program version {PROTOCOL}",
                where=self._link.where,
                hint="flash the firmware again: `mcu flash`",
            )
        check_info(info, self._link.where)
        if "error" in info:
            raise DeviceError(f"the engine did not start: {info['error']}", where=self._link.where)
        self._info = info
        self._chunk_bytes = int(info["chunk_bytes"])
        self._output_bytes = total_bytes(info, "output")
        return self.info

    def _impossible(self, what: str) -> DeviceError:
        return DeviceError(
            f"the firmware {what}",
            where=self._link.where,
            hint="is the firmware one of ours? `mcu flash` puts it there again",
        )

    def ping(self, payload: bytes = b"", tries: int | None = None) -> None:
        """Sends bytes there and back.

        Args:
            payload: the bytes.
            tries: give up after so many, sooner than usual.

        Raises:
            LinkError: they do not come back.
        """

        def take(frame: Frame) -> Verdict:
            same = frame.type == Type.PONG and frame.payload == payload
            return Verdict.DONE if same else Verdict.MORE

        self._exchange.ask(Type.PING, payload, take, "waiting for an echo", tries)

    def state(self) -> State:
        """Memory and counts of the chip."""
        found: list[State] = []

        def take(frame: Frame) -> Verdict:
            if frame.type == Type.STATE and len(frame.payload) == _STATE.size:
                found.append(State(*_STATE.unpack(frame.payload)))
            return Verdict.DONE if found else Verdict.MORE

        self._exchange.ask(Type.STATUS, b"", take, "asking for the chip's memory")
        return found[0]

    def reset(self) -> None:
        """Restarts the chip; `hello` finds it again."""

        def take(frame: Frame) -> Verdict:
            return Verdict.DONE if frame.type == Type.RESETTING else Verdict.MORE

        self._exchange.ask(Type.RESET, b"", take, "restarting the chip")

    def raise_speed(self, rates: Sequence[int] = RATES) -> int:
        """Changes to the fastest speed at which frames arrive.

        A socket has no speed of its own: nothing is done there.

        Returns:
            Bits per second from now on.
        """
        before = self._link.baud
        for rate in rates if before else ():
            if rate > before and self._try_speed(rate):
                break
        return self._link.baud

    def restore_speed(self) -> None:
        """Changes back to the speed at the start; where that fails the chip does so by itself."""
        own = self._exchange.own_baud
        if self._link.baud != own:
            with contextlib.suppress(LinkError):
                self._try_speed(own)
            self._link.baud = own

    def _mind_the_line(self) -> None:
        """Takes the next slower speed where too many requests have to be sent again."""
        counts, own = self._exchange.counts, self._exchange.own_baud
        repeated = counts["timeouts"] + counts["naks"]
        self._watched += 1
        if self._watched < _WATCHED and repeated - self._repeated_before < _MOST_REPEATED:
            return
        many = repeated - self._repeated_before >= _MOST_REPEATED
        self._watched, self._repeated_before = 0, repeated
        slower = [rate for rate in (*RATES, own) if own <= rate < self._link.baud]
        if many and slower and self._try_speed(slower[0]):
            counts["slowed"] += 1

    def _try_speed(self, rate: int) -> bool:
        before = self._link.baud
        refused = False

        def take(frame: Frame) -> Verdict:
            nonlocal refused
            if frame.type != Type.SPEED or len(frame.payload) != _SPEED.size:
                return Verdict.MORE
            found, accepted = _SPEED.unpack(frame.payload)
            refused = not accepted
            return Verdict.DONE if refused or found == rate else Verdict.MORE

        self._exchange.ask(Type.BAUD, struct.pack("<I", rate), take, "changing the speed")
        deadline = time.monotonic() + _REFUSAL_SECONDS
        while not refused and (left := deadline - time.monotonic()) > 0:
            item = self._link.next(left)
            if isinstance(item, Frame):
                take(item)
        if refused:
            return False
        self._exchange.change_baud(rate)
        try:
            for pattern in (b"\x55\xaa", b"\x01\xfe", bytes(range(1, 65))):
                self.ping(pattern * 3, tries=2)
        except LinkError:
            self._exchange.change_baud(before)
            time.sleep(_HOLD_SECONDS)  # until the chip has gone back too
            self._link.drain()
            self.ping()
            return False
        return True

    def profile(self) -> tuple[int, ...]:
        """Ticks of each layer, from one inference over whatever is in the input."""
        layers = int(self._info.get("layers", 0))
        return self._ticks(Type.PROFILE, b"", layers, "profiling the layers")

    def bench(self, count: int) -> tuple[int, ...]:
        """Ticks of each of `count` inferences over whatever is in the input."""
        return self._ticks(Type.BENCH, struct.pack("<H", count), count, "timing inferences")

    def _ticks(self, kind: Type, payload: bytes, count: int, doing: str) -> tuple[int, ...]:
        found: dict[int, int] = {}
        busy_at = 0.0

        def take(frame: Frame) -> Verdict:
            nonlocal busy_at
            if frame.type == Type.BUSY:
                busy_at = time.monotonic()
            elif frame.type == Type.TICKS and len(frame.payload) == _TICKS.size:
                index, ticks = _TICKS.unpack(frame.payload)
                if index >= count:
                    raise self._impossible(f"times number {index} of {count}")
                fresh = index not in found
                found[index] = self._plausible(ticks)
                return Verdict.PROGRESS if fresh else Verdict.MORE
            elif frame.type == Type.DONE and len(frame.payload) == _TICKS.size:
                number, total = _TICKS.unpack(frame.payload)
                if number != count:
                    raise self._impossible(f"is done with {number}, not {count}")
                if busy_at:
                    chip = self._plausible(total) / self._tick_hz
                    self._exchange.patience.learn(time.monotonic() - busy_at, chip)
                return Verdict.DONE if len(found) == count else Verdict.AGAIN
            return Verdict.MORE

        self._exchange.ask(kind, payload, take, doing, computes=True)
        return tuple(found[i] for i in range(count))

    @property
    def _tick_hz(self) -> float:
        return float(self._info.get("tick_hz", 0) or "inf")

    def _plausible(self, ticks: int) -> int:
        """Raises DeviceError for a time no inference takes."""
        if ticks > _MOST_SECONDS * self._tick_hz:
            raise self._impossible(f"counts {ticks} ticks at {self._tick_hz:g} Hz")
        return ticks

    def stepper(self) -> Stepper:
        """An inference layer by layer."""
        return Stepper(self._exchange, self._chunk_bytes)

    def infer(self, data: bytes) -> Answer:
        """Runs one inference.

        Args:
            data: the input tensors' bytes, one after the other.

        Raises:
            LinkError: no answer.
            DeviceError: the engine reports an error, or the chip restarts again and again.
            FirmwareCrashed: it reports a fault.
        """
        exchange = self._exchange
        exchange.begin("waiting for an inference")
        transfer = Transfer(
            exchange.next_sequence(), data, self._chunk_bytes, self._output_bytes, self._link.where
        )
        pending: Sequence[int] = range(transfer.chunks)
        first, missed, refused, fewest, progress = True, 0, 0, transfer.chunks + 1, 0
        while True:
            exchange.counts["chunks_resent"] += 0 if first else len(pending)
            first = False
            line = exchange.send([transfer.chunk(i) for i in pending] + [transfer.request])
            verdict = self._await(transfer, line, missed)
            if isinstance(verdict, Answer):
                exchange.counts["requests"] += 1
                self._plausible(verdict.ticks)
                self._mind_the_line()
                return verdict
            missed = missed + 1 if verdict is None else 0
            if verdict is None:
                exchange.missed("waiting for an inference")
                # It answers each time, but never with what is missing.
                refused = 0 if transfer.progress > progress else refused + 1
                progress = max(progress, transfer.progress)
            else:
                # Fewer chunks missing than ever is progress; anything else is borne so often.
                refused = 0 if len(verdict) < fewest else refused + 1
                fewest = min(fewest, len(verdict))
            if refused > _MOST_REFUSED:
                raise exchange.incomplete()
            pending = verdict or ()

    def infer_all(self, inputs: Iterable[bytes]) -> Iterator[Answer]:
        """Runs one inference after the other, answers in the order of the inputs.

        The first input goes over the line. Where the port comes with the machine's memory (an
        emulator's does) the others are put there: its serial line costs more than an inference.

        Raises:
            LinkError, DeviceError, FirmwareCrashed: as `infer`.
        """
        pending = list(inputs)
        yield from map(self.infer, pending[:1])
        memory = self._link.memory
        placed = memory and Placed(self._exchange, memory, self._info)
        if placed and placed.possible and pending[1:]:
            yield from placed.infer_all(pending[1:])
        else:
            yield from map(self.infer, pending[1:])

    def _await(
        self, transfer: Transfer, line_seconds: float, missed: int
    ) -> Answer | Sequence[int] | None:
        """The answer, or the chunks to send again, or None when it is time to ask again."""
        exchange = self._exchange
        asked = time.monotonic()
        wait = line_seconds + self._run_timer.wait(missed)
        answered, busy_at, expected = False, 0.0, 0.0
        while (frame := exchange.frame(transfer.sequence, wait)) is not None:
            now = time.monotonic()
            if not answered:
                answered = True
                self._run_timer.saw(max(now - asked - line_seconds, 0.0), missed)
            if frame.type == Type.BUSY:
                busy_at, expected = busy_at or now, announced(frame)
                wait = exchange.busy(frame) + exchange.timer.wait(0)
                continue
            if frame.type == Type.NAK:
                return self._refused(transfer, frame)
            if busy_at and frame.type == Type.RESULT:
                exchange.patience.learn(now - busy_at, expected)
            before = transfer.progress
            answer = transfer.take(frame)
            if answer is not None:
                return answer
            wait = exchange.timer.wait(0) + self._link.seconds(transfer.left())
            if transfer.progress > before:
                exchange.allow(wait)
        return None

    def _refused(self, transfer: Transfer, frame: Frame) -> Sequence[int]:
        if self._exchange.stale(frame):
            transfer.renumber(self._exchange.next_sequence())
            return range(transfer.chunks)
        reason = frame.payload[0] if frame.payload else 0
        if reason == Nak.MISSING and len(frame.payload) >= 3:
            missing = missing_chunks(frame.payload[1:], transfer.chunks)
            if not missing:
                raise self._impossible(f"misses a part beyond the {transfer.chunks} there are")
            return missing
        if reason == Nak.MISMATCH:
            return range(transfer.chunks)
        raise self._exchange.refusal(frame)
