"""Which kernel runs each op: of all sets of kernels the one that suits the goal and fits.

Kernels differ in instructions, in flash, in scratch memory, and in how far their output may
reach into their input. What is live while a layer runs depends on that layer's kernel
alone, so a limit on it leaves each layer its cheapest kernel below. Going through the
limits from loose to tight gives the sets worth looking at: each is the cheapest for some
amount of memory. Of these, those are planned that the goal can pay for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.codegen.kernel import Code, Cost, Kernel, Site, weighed
from pipeline.codegen.memory import Lives, Memory, assign
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op
from pipeline.errors import DoesNotFit


@dataclass(frozen=True)
class _Goal:
    """What a goal pays for a smaller arena.

    Attributes:
        per_byte: instructions per inference, at most.
        share: in all at most this share of what the model costs anyway.
    """

    per_byte: float
    share: float


_GOALS: Mapping[Optimize, _Goal] = {
    "speed": _Goal(0.0, 0.0),
    "balanced": _Goal(48.0, 0.1),
    "size": _Goal(float("inf"), 0.25),
}


@dataclass(frozen=True)
class Step:
    """A layer of the program in the making."""

    op: Op
    kernel: Kernel
    code: Code


@dataclass(frozen=True)
class _Option:
    """A kernel for one op, and what is live while it runs."""

    step: Step
    price: float
    needed: int


def _price(cost: Cost, optimize: Optimize) -> float:
    """Instructions and flash; memory is counted by what is live."""
    return weighed(replace(cost, ram=0), optimize)


Able = Callable[[Op], Sequence[Kernel]]
"""The kernels that can run an op on the core with exact results."""


@dataclass(frozen=True)
class Chosen:
    """A kernel for each op, and the arena they share."""

    steps: tuple[Step, ...]
    memory: Memory
    price: float
    keeps_inputs: bool


class Choice:
    """The choice of kernels for a model.

    Args:
        graph: the model.
        todo: ops to run, in order.
        able: their kernels.
        target, optimize: see `compile_graph`.
        align: every offset in the arena is a multiple of it.
        keep_inputs: an inference leaves the inputs as they are.
        limited: there is a limit that may ask for more than the goal would pay.
        told: called before each op is looked at.
    """

    def __init__(
        self,
        graph: Graph,
        todo: Sequence[Op],
        able: Able,
        target: Target,
        optimize: Optimize,
        *,
        align: int,
        keep_inputs: bool,
        limited: bool = False,
        told: Callable[[int], None] = lambda number: None,
    ) -> None:
        self._graph, self._align, self._keep_inputs = graph, align, keep_inputs
        lives = Lives(graph, todo, align, keep_inputs)
        prices = []
        for number, op in enumerate(todo):
            told(number)
            costs = [(k.cost(graph, op, target, optimize), k) for k in able(op)]
            prices.append([(_price(cost, optimize), k) for cost, k in costs])
        self._cheapest = sum(min(price for price, _ in found) for found in prices)
        self._goal = _GOALS[optimize]
        # Sparse weights may take so much less flash than dense ones that a price is negative.
        self._most = self._cheapest + abs(self._cheapest) * self._goal.share
        room = float("inf") if limited else self._most - self._cheapest
        self._options = [
            self._worth_it(number, op, found, room, lives)
            for number, (op, found) in enumerate(zip(todo, prices, strict=True))
        ]

    def _worth_it(
        self,
        number: int,
        op: Op,
        prices: Sequence[tuple[float, Kernel]],
        room: float,
        lives: Lives,
    ) -> list[_Option]:
        """Options by price, each needing less than those before it."""
        kept: list[_Option] = []
        first = min(price for price, _ in prices)
        for price, kernel in sorted(prices, key=lambda found: found[0]):
            if price > first + room:
                break
            code = kernel.lower(Site(number, self._graph, op))
            option = _Option(Step(op, kernel, code), price, lives.needed(number, code))
            if not kept or option.needed < kept[-1].needed:
                kept.append(option)
        return kept

    def sets(self) -> Iterator[Chosen]:
        """Sets of kernels from the cheapest to the smallest."""
        seen = set()
        for limit in sorted({o.needed for options in self._options for o in options}, reverse=True):
            picked = [
                next((o for o in options if o.needed <= limit), options[-1])
                for options in self._options
            ]
            key = tuple(id(option) for option in picked)
            if key in seen:
                continue
            seen.add(key)
            layers = [(option.step.op, option.step.code) for option in picked]
            yield Chosen(
                tuple(option.step for option in picked),
                assign(self._graph, layers, self._align, self._keep_inputs),
                sum(option.price for option in picked),
                self._keep_inputs,
            )

    def best(self) -> Chosen:
        """The smallest arena that the goal pays for: until the next smaller one is too dear."""
        sets = self.sets()
        best = next(sets)
        for chosen in sets:
            gained = best.memory.size - chosen.memory.size
            if chosen.price > self._most:
                break
            if gained <= 0:
                continue
            if chosen.price - best.price > self._goal.per_byte * gained:
                break
            best = chosen
        return best

    def within(self, limit: int) -> Chosen:
        """The cheapest set whose arena has no more than `limit` bytes.

        Raises:
            DoesNotFit: naming the layer that needs the most, where there is none.
        """
        smallest: Chosen | None = None
        for chosen in self.sets():
            if chosen.memory.size <= limit:
                return chosen
            if smallest is None or chosen.memory.size < smallest.memory.size:
                smallest = chosen
        assert smallest is not None
        raise self._too_much(limit, smallest)

    def _too_much(self, limit: int, smallest: Chosen) -> DoesNotFit:
        least = [options[-1].needed for options in self._options]
        peak = least.index(max(least))
        step = self._options[peak][-1].step
        lives = Lives(self._graph, [s.op for s in smallest.steps], self._align, self._keep_inputs)
        tensors = ", ".join(
            f"{self._graph.tensors[root].name!r} {lives.size[root]:,}"
            for root in sorted(lives.live(peak), key=lambda root: -lives.size[root])
        )
        return DoesNotFit(
            f"the arena takes at least {smallest.memory.size:,} bytes, {limit:,} are allowed: "
            f"layer {peak} ({step.op.name}) alone needs {max(least):,} with its smallest kernel "
            f"(live: {tensors}; scratch {step.code.scratch:,})",
            where=step.op.layer,
            hint=f"--ram-limit {smallest.memory.size} fits; or make this layer's tensors smaller: "
            "fewer channels (`--prune neurons:0.5`) or a smaller input",
        )


def choose(
    graph: Graph,
    todo: Sequence[Op],
    able: Able,
    target: Target,
    optimize: Optimize,
    *,
    keep_inputs: bool | None = None,
    ram_limit: int | None = None,
    told: Callable[[int], None] = lambda number: None,
) -> Chosen:
    """A kernel for each op, and the arena.

    Args:
        graph: the model.
        todo: ops to run, in order.
        able: their kernels.
        target, optimize, keep_inputs, ram_limit: see `pipeline.codegen.compile_graph`.
        told: called before each op is looked at.

    Raises:
        DoesNotFit: no choice keeps to `ram_limit`.
    """
    align = 16 if target.has("mve") else 4
    kept = bool(keep_inputs)
    choice = Choice(graph, todo, able, target, optimize, align=align, keep_inputs=kept, told=told)
    best = choice.best()
    if ram_limit is not None and best.memory.size > ram_limit:
        limited = Choice(
            graph, todo, able, target, optimize, align=align, keep_inputs=kept, limited=True
        )
        best = limited.within(ram_limit)
    if keep_inputs is None:
        layers = [(step.op, step.code) for step in best.steps]
        memory = assign(graph, layers, align, True)
        if memory.size <= best.memory.size:
            return replace(best, memory=memory, keeps_inputs=True)
    return best
