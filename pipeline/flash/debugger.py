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
_SECONDS = 10.0


class Debugger:
    """Memory of an emulated machine, which stands still for as long as blocks are moved.

    Args:
        address: host and port the stub listens at; connected to when first used.
        where: what errors name.
    """

    def __init__(self, address: tuple[str, int], where: str = "") -> None:
        self._address = address
        self._where = where
        self._line: socket.socket | None = None
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
            line = self._stopped()
            # All in one go: the stub works through them in their order.
            line.sendall(b"".join(map(_packet, [*packets, b"c"])))
            found = b"".join(_bytes(self._answer(line)) for _ in range(asked))
            written = [self._answer(line) for _ in packets[asked:]]
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
        """Closes the connection; the machine runs on."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _stopped(self) -> socket.socket:
        """The line to the machine, which stands still; it does with the first connection."""
        if self._line is None:
            self._line = socket.create_connection(self._address, _SECONDS)
            self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._rest = b""
        else:
            self._line.sendall(b"\x03")
        self._answer(self._line)
        return self._line

    def _answer(self, line: socket.socket) -> bytes:
        """The next packet's content; acknowledgements between packets are passed over."""
        while True:
            start = self._rest.find(b"$")
            end = self._rest.find(b"#", start) if start >= 0 else -1
            if 0 <= end <= len(self._rest) - 3:
                content = self._rest[start + 1 : end]
                self._rest = self._rest[end + 3 :]
                return content
            data = line.recv(1 << 16)
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
