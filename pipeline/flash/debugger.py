"""QEMU's debugger stub: the memory of an emulated machine, read and written as blocks.

A byte on an emulated serial line costs several wake-ups of the emulator, a block of memory
one. GDB Remote Serial Protocol:
https://sourceware.org/gdb/current/onlinedocs/gdb.html/Remote-Protocol.html
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from pipeline.errors import DeviceError

# QEMU takes packets of 4,096 characters; a byte has two.
_BLOCK_BYTES = 1536
_SECONDS = 60.0  # of a machine that has more to do than processors
_MOST_BYTES = 1 << 20


class Debugger:
    """Memory of an emulated machine, which stands still for as long as blocks are moved.

    Args:
        line: to the stub; closed with the debugger.
        where: what errors name.
    """

    def __init__(self, line: socket.socket, where: str = "") -> None:
        self._line = line
        self._line.settimeout(_SECONDS)
        self._where = where
        self._rest = b""

    def move(
        self, reads: Sequence[tuple[int, int]] = (), writes: Sequence[tuple[int, bytes]] = ()
    ) -> list[bytes]:
        """Stops the machine, reads, then writes, and lets it go on.

        Args:
            reads: address and number of bytes of each block.
            writes: address and bytes of each block.

        Returns:
            The bytes of each block read.

        Raises:
            DeviceError: the stub does not answer, or there is no such memory.
        """
        packets = [b"m%x,%x" % part for block in reads for part in _parts(*block)]
        asked = len(packets)
        for address, data in writes:
            for at, count in _parts(address, len(data)):
                part = data[at - address : at - address + count]
                packets.append(b"M%x,%x:%s" % (at, count, part.hex().encode()))
        try:
            self._stop()
            # All in one go: the stub works through them in their order.
            self._line.sendall(b"".join(map(_packet, [*packets, b"c"])))
            found = b"".join(_bytes(self._answer()) for _ in range(asked))
            written = [self._answer() for _ in packets[asked:]]
        except OSError as error:
            raise DeviceError(f"QEMU's debugger stub: {error}", where=self._where) from error
        wanted = sum(count for _, count in reads)
        if len(found) != wanted or any(answer != b"OK" for answer in written):
            raise DeviceError("QEMU's debugger stub: no such memory", where=self._where)
        blocks = []
        for _, count in reads:
            blocks.append(found[:count])
            found = found[count:]
        return blocks

    def close(self) -> None:
        """Closes the connection."""
        self._line.close()

    def _stop(self) -> None:
        """Stops the machine, and takes all that the stub says of it.

        How often it says so differs: QEMU up to 8.0 speaks when a debugger connects and
        whenever the machine stops, later ones only when they were asked, and a machine that
        stands already says nothing. So it is asked (`?`), and whatever comes before the answer
        to a question of another kind (`qC`, the thread) is about the stop.
        """
        self._line.sendall(b"\x03" + _packet(b"?") + _packet(b"qC"))
        stopped = False
        while not (answer := self._answer()).startswith(b"QC"):
            stopped = stopped or answer[:1] in (b"S", b"T")
            if answer[:1] in (b"W", b"X"):
                raise ConnectionError("the machine has ended")
        if not stopped:
            raise ConnectionError("the machine does not stop")

    def _answer(self) -> bytes:
        """The next packet's content; acknowledgements between packets are passed over."""
        while True:
            start = self._rest.find(b"$")
            end = self._rest.find(b"#", start) if start >= 0 else -1
            if 0 <= end <= len(self._rest) - 3:
                content = self._rest[start + 1 : end]
                self._rest = self._rest[end + 3 :]
                return content
            if len(self._rest) > _MOST_BYTES:
                raise ConnectionError("it says more than it was asked")
            data = self._line.recv(1 << 16)
            if not data:
                raise ConnectionError("the connection was closed")
            self._rest += data


def _parts(address: int, count: int) -> list[tuple[int, int]]:
    return [
        (at, min(_BLOCK_BYTES, address + count - at))
        for at in range(address, address + count, _BLOCK_BYTES)
    ]


def _packet(content: bytes) -> bytes:
    """With the acknowledgement of the answer before, as the protocol wants it."""
    return b"+$%s#%02x" % (content, sum(content) & 0xFF)


def _bytes(answer: bytes) -> bytes:
    try:
        return bytes.fromhex(answer.decode("ascii"))
    except ValueError:
        return b""
