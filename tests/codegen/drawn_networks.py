"""Networks drawn at random: any layer behind any other, with channels that have no effect."""

from __future__ import annotations

import numpy as np
from networks import Net
from tflite_builder import T


def network(seed: int, layers: int = 9) -> bytes:
    """A random network of int8 layers; the same bytes for the same seed."""
    made = _Network(seed)
    for _ in range(layers):
        made.grow()
    return made.finish()


class _Network:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.net = Net(seed)
        size = int(self.random.integers(4, 9))
        zero = int(self.random.choice([-128, -3, 0, 64]))
        shape = (1, size, int(self.random.integers(4, 9)), int(self.random.choice([1, 3, 4, 8])))
        self.made = [self.net.input(*shape, zero=zero)]

    def pick(self) -> int:
        """A tensor, more often a late one."""
        return self.made[-1 - min(int(self.random.geometric(0.6)) - 1, len(self.made) - 1)]

    def some(self, count: int) -> list[int]:
        share = self.random.choice([0, 0, 0.3, 0.6, 1.0], p=[0.3, 0.1, 0.3, 0.25, 0.05])
        return [c for c in range(count) if self.random.random() < share]

    def grow(self) -> None:
        kinds = [
            *(self.conv, self.conv, self.dw, self.activation, self.arithmetic, self.value),
            *(self.pool, self.pad, self.concat, self.same_function, self.twice, self.view),
        ]
        x = self.pick()
        if len(self.net.t(x).shape) == 4:
            kinds[int(self.random.integers(len(kinds)))](x)
        else:
            self.flat(x)

    def biases(self, channels: int) -> np.ndarray:
        high = int(self.random.choice([0, 3000, 40000]))
        return self.random.integers(-3000, high + 1, channels)

    def conv(self, x: int) -> None:
        n = self.net
        _, h, w, inputs = n.t(x).shape
        channels = int(self.random.choice([1, 3, 4, 8, 12, 16]))
        kernel = [(1, 1), (1, 1), (3, 3), (2, 3)][int(self.random.integers(4))]
        same = bool(self.random.integers(2)) or kernel[0] > h or kernel[1] > w
        act = int(self.random.choice([0, 1, 3]))
        y = n.conv(x, channels, kernel, stride=int(self.random.choice([1, 1, 2])), same=same,
                   act=act, dead=self.some(channels), unread=self.some(inputs),
                   biases=self.biases(channels), zero=-128 if act else 5)  # fmt: skip
        self.made.append(y)

    def dw(self, x: int) -> None:
        n = self.net
        _, h, w, inputs = n.t(x).shape
        multiplier = 2 if inputs < 4 and self.random.integers(3) == 0 else 1
        same = bool(self.random.integers(2)) or min(h, w) < 3
        act = int(self.random.choice([0, 1, 3]))
        y = n.dw(x, stride=int(self.random.choice([1, 2])), same=same, act=act,
                 multiplier=multiplier, dead=self.some(inputs * multiplier),
                 biases=self.biases(inputs * multiplier), zero=-128 if act else -7)  # fmt: skip
        self.made.append(y)

    def activation(self, x: int) -> None:
        n = self.net
        t = n.t(x)
        kind = str(self.random.choice(["RELU", "RELU6", "RELU", "LOGISTIC", "TANH", "QUANTIZE"]))
        if kind == "LOGISTIC":
            out = T(t.shape, "int8", 1 / 256, -128)
        elif kind == "TANH":
            out = T(t.shape, "int8", 1 / 128, 0)
        elif self.random.integers(2) and kind != "RELU6":
            out = T(t.shape, "int8", 0.03, 7)
        else:
            out = n.like(x)
        self.made.append(n.one(kind, x, out))

    def arithmetic(self, x: int) -> None:
        n = self.net
        same = [i for i in self.made if n.t(i).shape == n.t(x).shape]
        y = same[int(self.random.integers(len(same)))]
        kind = str(self.random.choice(["ADD", "MUL", "SUB"]))
        self.made.append(n.two(kind, x, y, act=int(self.random.choice([0, 1]))))

    def value(self, x: int) -> None:
        """A single value, or one for each channel."""
        n = self.net
        channels = n.t(x).shape[-1]
        if self.random.integers(2):
            c = n.constant((1,), int(self.random.integers(-128, 128)))
        else:
            values = self.random.integers(-128, 128, channels)
            c = n.constant((1, 1, 1, channels), values.reshape(1, 1, 1, -1))
        kind = str(self.random.choice(["ADD", "MUL", "SUB"]))
        pair = (x, c) if self.random.integers(2) else (c, x)
        self.made.append(n.two(kind, *pair, act=int(self.random.choice([0, 1]))))

    def same_function(self, x: int) -> None:
        """x * sigmoid(x)"""
        n = self.net
        s = n.one("LOGISTIC", x, T(n.t(x).shape, "int8", 1 / 256, -128))
        self.made.append(n.two("MUL", x, s))

    def twice(self, x: int) -> None:
        """The same layer two times, as exporters write it that don't share results."""
        n = self.net
        a, b = (n.one("TANH", x, T(n.t(x).shape, "int8", 1 / 128, 0)) for _ in range(2))
        self.made += [a, n.two("MUL", a, b) if self.random.integers(2) else b]

    def pool(self, x: int) -> None:
        n = self.net
        if min(n.t(x).shape[1:3]) < 2:
            self.activation(x)
            return
        kind = str(self.random.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"]))
        self.made.append(n.pool(kind, x, 2, 2, bool(self.random.integers(2))))

    def pad(self, x: int) -> None:
        n = self.net
        a, b, c, d = (int(v) for v in self.random.integers(0, 3, 4))
        y = n.pad(x, (0, 0), (a, b), (c, d), (0, 0))
        size = min(n.t(y).shape[1:3])
        if size < 3 or self.random.integers(4) == 0:
            self.made.append(y)
        elif self.random.integers(2):
            self.made.append(n.pool("MAX_POOL_2D", y, 3, 2))
        elif self.random.integers(2):
            self.made.append(n.conv(y, 4, (3, 3), stride=2, same=False))
        else:
            self.made.append(n.dw(y, stride=1, same=bool(self.random.integers(2))))

    def concat(self, x: int) -> None:
        n = self.net
        t = n.t(x)
        axis = int(self.random.choice([1, 3]))
        rest = [d for d in range(4) if d != axis]
        fits = [
            i
            for i in self.made
            if [n.t(i).shape[d] for d in rest if len(n.t(i).shape) == 4]
            == [t.shape[d] for d in rest]
            and (n.t(i).scale, n.t(i).zero) == (t.scale, t.zero)
        ]
        y = fits[int(self.random.integers(len(fits)))]
        self.made.append(n.concat(axis, x, y))

    def view(self, x: int) -> None:
        n = self.net
        _, h, w, c = n.t(x).shape
        self.made.append(n.reshape(x, 1, w, h, c) if self.random.integers(2) else n.mean(x))

    def flat(self, x: int) -> None:
        n = self.net
        self.made.append(n.fc(x, int(self.random.choice([3, 8])), self.some(3),
                              bias=bool(self.random.integers(2)),
                              act=int(self.random.integers(2))))  # fmt: skip

    def finish(self) -> bytes:
        n = self.net
        last = self.made[-1]
        if len(n.t(last).shape) == 4 and self.random.integers(2):
            last = n.reshape(last, 1, int(np.prod(n.t(last).shape)))
            last = n.fc(last, 4)
        read = {i for _, inputs, *_ in n.b.ops for i in inputs}
        outputs = [last, *[i for i in self.made if i not in read][-3:]]
        if last == self.made[0]:
            outputs = [n.fc(last, 3)]
        return n.bytes(*dict.fromkeys(outputs))
