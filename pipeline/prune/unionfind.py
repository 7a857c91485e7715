"""Union-find over channel numbers, with a mark on sets that must stay as they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


class Channels:
    """Disjoint sets of channels; those of one set are removed together or not at all."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._reason: dict[int, str] = {}

    def new(self, count: int) -> Ids:
        """Return `count` fresh channels."""
        first = len(self._parent)
        self._parent.extend(range(first, first + count))
        return np.arange(first, first + count, dtype=np.int64)

    def find(self, channel: int) -> int:
        """Return the one channel that stands for the set of `channel`."""
        while self._parent[channel] != channel:
            self._parent[channel] = self._parent[self._parent[channel]]
            channel = self._parent[channel]
        return channel

    def roots(self, ids: Ids) -> Ids:
        """Return `find` of each channel."""
        return np.array([self.find(int(i)) for i in ids], dtype=np.int64)

    def unite(self, a: Ids, b: Ids) -> None:
        """Join the sets of `a[i]` and `b[i]` for all i; a mark on one of them stays."""
        for one, other in zip(a.tolist(), b.tolist(), strict=True):
            left, right = self.find(one), self.find(other)
            if left != right:
                self._parent[right] = left
                if right in self._reason:
                    self._reason.setdefault(left, self._reason[right])

    def freeze(self, ids: Ids, reason: str, *, anew: bool = False) -> None:
        """Mark the sets of these channels; the first reason is kept unless it is told `anew`."""
        for channel in ids.tolist():
            root = self.find(channel)
            if anew or root not in self._reason:
                self._reason[root] = reason

    def reason(self, channel: int) -> str | None:
        """Return why the set of `channel` must stay, or None where it may go."""
        return self._reason.get(self.find(channel))
