"""Random networks for tests of graph passes: layers with quantisation that fits together."""

from __future__ import annotations

from typing import Any

import numpy as np
from tflite_builder import Build, T


class Net:
    """A network in the making; each method adds a layer and gives its output's tensor."""

    def __init__(self, seed: int = 0) -> None:
        self.b = Build()
        self.random = np.random.default_rng(seed)
        self.count = 0

    def input(self, *shape: int, scale: float = 0.05, zero: int = -3) -> int:
        return self.b.input(T(shape, "int8", scale, zero, name="input"))

    def t(self, index: int) -> T:
        return self.b.tensors[index]

    def name(self, kind: str, what: str) -> str:
        self.count += 1
        return f"net/{kind}_{self.count}/{what}"

    def weights(self, shape: tuple[int, ...], axis: int, dead: Any = ()) -> Any:
        """int8 weights, some zero; `dead` output channels are all zero."""
        w = self.random.integers(-127, 128, shape)
        w[self.random.random(shape) < 0.3] = 0
        w[(slice(None),) * axis + (list(dead),)] = 0
        return w

    def conv(
        self,
        x: int,
        channels: int,
        kernel: tuple[int, int] = (1, 1),
        *,
        stride: int = 1,
        same: bool = True,
        act: int = 1,
        dead: Any = (),
        biases: Any = None,
        depthwise: bool = False,
        multiplier: int = 1,
        unread: Any = (),
        scale: float = 0.04,
        zero: int = -128,
        pads: Any = None,
    ) -> int:
        """CONV_2D or DEPTHWISE_CONV_2D; `unread` input channels have weights of zero."""
        t = self.t(x)
        h, w, inputs = t.shape[1:]
        if depthwise:
            channels = inputs * multiplier
            shape, axis = (1, *kernel, channels), 3
        else:
            shape, axis = (channels, *kernel, inputs), 0
        values = self.weights(shape, axis, dead)
        if not depthwise:
            values[..., list(unread)] = 0
        fan = kernel[0] * kernel[1] * (1 if depthwise else inputs)
        wscale = (self.random.uniform(0.5, 1.5, channels) / 64 / np.sqrt(fan)).astype(np.float32)
        name = self.name("dw" if depthwise else "conv", "BiasAdd")
        wt = self.b.tensor(T(shape, "int8", wscale, axis=axis, data=values, name=name + "/w"))
        if biases is None:
            biases = self.random.integers(-3000, 3000, channels)
        bt = self.b.tensor(
            T((channels,), "int32", wscale * t.scale, data=np.asarray(biases), name=name + "/b")
        )
        if same:
            out = (-(-h // stride), -(-w // stride))
        else:
            out = ((h - kernel[0]) // stride + 1, (w - kernel[1]) // stride + 1)
        options: dict[str, Any] = {
            "padding": 0 if same else 1,
            "strideH": stride,
            "strideW": stride,
            "fusedActivationFunction": act,
            "dilationHFactor": 1,
            "dilationWFactor": 1,
        }
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        if depthwise:
            options["depthMultiplier"] = multiplier
        (y,) = self.b.op(
            kind,
            [x, wt, bt],
            [T((1, *out, channels), "int8", scale, zero, name=name)],
            "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions",
            3,
            **options,
        )
        return y

    def dw(self, x: int, kernel: tuple[int, int] = (3, 3), **more: Any) -> int:
        return self.conv(x, 0, kernel, depthwise=True, **more)

    def fc(self, x: int, outputs: int, dead: Any = (), *, bias: bool = True, act: int = 0) -> int:
        t = self.t(x)
        inputs = int(np.prod(t.shape))
        name = self.name("fc", "BiasAdd")
        w = self.weights((outputs, inputs), 0, dead)
        wt = self.b.tensor(T((outputs, inputs), "int8", 0.01, data=w, name=name + "/w"))
        bt = -1
        if bias:
            values = self.random.integers(-2000, 2000, outputs)
            bt = self.b.tensor(
                T((outputs,), "int32", 0.01 * t.scale, data=values, name=name + "/b")
            )
        (y,) = self.b.op(
            "FULLY_CONNECTED",
            [x, wt, bt],
            [T((1, outputs), "int8", 0.1, 4, name=name)],
            "FullyConnectedOptions",
            4,
            fusedActivationFunction=act,
        )
        return y

    def one(self, kind: str, x: int, out: T, options: str = "", **fields: Any) -> int:
        """An op of one input; `out` needs a shape and quantisation only."""
        out.name = self.name(kind.lower(), "out")
        return self.b.op(kind, [x], [out], options, **fields)[0]

    def like(self, x: int, shape: tuple[int, ...] | None = None) -> T:
        t = self.t(x)
        return T(shape or t.shape, t.dtype, t.scale, t.zero)

    def two(self, kind: str, x: int, y: int, *, act: int = 0, scale: float = 0.07) -> int:
        shape = np.broadcast_shapes(self.t(x).shape, self.t(y).shape)
        name = self.name(kind.lower(), "out")
        out = T(tuple(shape), "int8", scale, -9, name=name)
        options = f"{kind.title()}Options"
        return self.b.op(kind, [x, y], [out], options, fusedActivationFunction=act)[0]

    def pool(self, kind: str, x: int, size: int = 2, stride: int = 2, same: bool = False) -> int:
        _, h, w, c = self.t(x).shape
        if same:
            out = (1, -(-h // stride), -(-w // stride), c)
        else:
            out = (1, (h - size) // stride + 1, (w - size) // stride + 1, c)
        window = {"filterHeight": size, "filterWidth": size, "strideH": stride, "strideW": stride}
        padding = 0 if same else 1
        return self.one(kind, x, self.like(x, out), "Pool2DOptions", padding=padding, **window)

    def mean(self, x: int) -> int:
        t = self.t(x)
        axes = self.b.tensor(T((2,), "int32", data=[1, 2]))
        out = T((1, t.shape[3]), "int8", t.scale / 2, t.zero, name=self.name("mean", "out"))
        return self.b.op("MEAN", [x, axes], [out], "ReducerOptions")[0]

    def reshape(self, x: int, *shape: int) -> int:
        target = self.b.tensor(T((len(shape),), "int32", data=list(shape)))
        out = self.like(x, shape)
        out.name = self.name("reshape", "out")
        return self.b.op("RESHAPE", [x, target], [out], "ReshapeOptions")[0]

    def pad(self, x: int, *amounts: tuple[int, int]) -> int:
        t = self.t(x)
        shape = tuple(n + a + b for n, (a, b) in zip(t.shape, amounts, strict=True))
        at = self.b.tensor(T((len(amounts), 2), "int32", data=np.asarray(amounts)))
        out = self.like(x, shape)
        out.name = self.name("pad", "out")
        return self.b.op("PAD", [x, at], [out], "PadOptions")[0]

    def concat(self, axis: int, *parts: int) -> int:
        shape = list(self.t(parts[0]).shape)
        shape[axis] = sum(self.t(p).shape[axis] for p in parts)
        out = self.like(parts[0], tuple(shape))
        out.name = self.name("concat", "out")
        return self.b.op("CONCATENATION", list(parts), [out], "ConcatenationOptions", axis=axis)[0]

    def constant(self, shape: tuple[int, ...], values: Any, scale: float = 0.05) -> int:
        return self.b.tensor(T(shape, "int8", scale, 2, data=np.broadcast_to(values, shape)))

    def bytes(self, *outputs: int) -> bytes:
        self.b.outputs = list(outputs)
        return self.b.bytes()
