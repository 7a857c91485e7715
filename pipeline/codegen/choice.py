"""Which kernel runs each op: of all sets of kernels the one that suits the goal and fits.

Kernels differ in instructions, in flash, in scratch memory, and in how far their output may
reach into their input. What is live while a layer runs depends on that layer's kernel
alone, so a limit on it leaves each layer its cheapest kernel below. Going through the
limits from loose to tight gives the sets worth looking at: each is the cheapest for some
amount of memory. Of these, those are planned that the goal can pay for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from pipeline.codegen.kernel import Code, Cost, Kernel, Site
from pipeline.codegen.memory import Lives, Memory, assign
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op
from pipeline.errors import DoesNotFit


@dataclass(frozen=True)
class _Goal:
    """What a goal pays in instructions per inference.

    Attributes:
        flash: for a byte of flash; the first price at which the kernels keep to `share`.
        arena: for a byte of arena.
        share: in all at most this share of what `beside` takes.
        beside: the goal it is compared with.
    """

    flash: tuple[float, ...]
    arena: float
    share: float
    beside: Optimize


_GOALS: Mapping[Optimize, _Goal] = {
    "speed": _Goal((0.0,), 0.0, 0.0, "speed"),
    "balanced": _Goal((8.0,), 48.0, 0.1, "balanced"),
    "size": _Goal((64.0, 32.0, 16.0, 8.0), float("inf"), 0.3, "balanced"),
}


@dataclass(frozen=True)
class Step:
    """A layer of the program in the making."""

    op: Op
    kernel: Kernel
    code: Code


@dataclass(frozen=True)
class Chosen:
    """A kernel for each op, and the arena they share.

    Attributes:
        steps: the layers.
        memory: the arena.
        price: instructions, and flash in instructions.
        cycles: instructions per inference.
        keeps_inputs: an inference leaves the inputs as they are.
    """

    steps: tuple[Step, ...]
    memory: Memory
    price: float
    cycles: float
    keeps_inputs: bool


Able = Callable[[Op], Sequence[Kernel]]
"""The kernels that can run an op on the core with exact results."""


class _Layers:
    """The kernels of all ops, with their costs and their code.

    Args:
        graph: the model.
        todo: ops to run, in order.
        able: their kernels.
        target, optimize: see `compile_graph`.
        keep_inputs: an inference leaves the inputs as they are.
        told: called before each op is looked at.
    """

    def __init__(
        self,
        graph: Graph,
        todo: Sequence[Op],
        able: Able,
        target: Target,
        optimize: Optimize,
        keep_inputs: bool,
        told: Callable[[int], None],
    ) -> None:
        self.graph, self.todo, self.keep_inputs = graph, todo, keep_inputs
        self.align = 16 if target.has("mve") else 4
        self.lives = Lives(graph, todo, self.align, keep_inputs)
        self.costs: list[list[tuple[Cost, Kernel]]] = []
        for number, op in enumerate(todo):
            told(number)
            self.costs.append([(k.cost(graph, op, target, optimize), k) for k in able(op)])
        self._codes: dict[tuple[int, int], Code] = {}

    def code(self, number: int, kernel: Kernel) -> Code:
        """An op's code with a kernel."""
        key = number, id(kernel)
        if key not in self._codes:
            self._codes[key] = kernel.lower(Site(number, self.graph, self.todo[number]))
        return self._codes[key]

    def assign(self, steps: Sequence[Step], keep_inputs: bool) -> Memory:
        """The arena of a choice."""
        layers = [(step.op, step.code) for step in steps]
        return assign(self.graph, layers, self.align, keep_inputs)


@dataclass(frozen=True)
class _Option:
    """A kernel for one op, and what is live while it runs."""

    step: Step
    price: float
    cycles: float
    needed: int


class _Choice:
    """The choice of kernels for a model.

    Args:
        layers: what there is to choose from.
        flash: instructions that a byte of flash is worth.
        arena: instructions that a byte of arena is worth.
        share: what is paid for memory at most, as a share of the cheapest kernels' price.
    """

    def __init__(self, layers: _Layers, flash: float, arena: float, share: float) -> None:
        self._layers, self._arena = layers, arena
        prices = [
            [(cost.cycles + flash * cost.flash, cost.cycles, kernel) for cost, kernel in costs]
            for costs in layers.costs
        ]
        # Below zero where sparse weights save more flash than the instructions are worth.
        room = share * abs(sum(min(price for price, _, _ in found) for found in prices))
        self._options = [self._worth_it(n, found, room) for n, found in enumerate(prices)]

    def _worth_it(
        self, number: int, prices: Sequence[tuple[float, float, Kernel]], room: float
    ) -> list[_Option]:
        """Options by price, each needing less than those before it."""
        kept: list[_Option] = []
        first = min(price for price, _, _ in prices)
        for price, cycles, kernel in sorted(prices, key=lambda found: found[0]):
            if price > first + room:
                break
            code = self._layers.code(number, kernel)
            step = Step(self._layers.todo[number], kernel, code)
            option = _Option(step, price, cycles, self._layers.lives.needed(number, code))
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
            steps = tuple(option.step for option in picked)
            yield Chosen(
                steps,
                self._layers.assign(steps, self._layers.keep_inputs),
                sum(option.price for option in picked),
                sum(option.cycles for option in picked),
                self._layers.keep_inputs,
            )

    def best(self, most: float) -> Chosen:
        """The set whose price with that of its arena is the lowest.

        Args:
            most: instructions per inference.
        """
        sets = self.sets()
        found = [next(sets)]
        found += takewhile(lambda chosen: chosen.cycles <= most, sets)
        return min(found, key=self._rank)

    def _rank(self, chosen: Chosen) -> tuple[float, float]:
        size = chosen.memory.size
        if math.isinf(self._arena):
            return size, chosen.price
        return chosen.price + self._arena * size, size

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
        lives, graph = self._layers.lives, self._layers.graph
        maker = {i: op.layer for op in graph.ops for i in op.outputs}
        live = ", ".join(
            f"{maker.get(root, 'input')} {lives.size[root]:,}"
            for root in sorted(lives.live(peak), key=lambda root: -lives.size[root])
        )
        return DoesNotFit(
            f"the arena takes at least {smallest.memory.size:,} bytes, {limit:,} are allowed: "
            f"layer {peak} ({step.op.name}) alone needs {max(least):,} with its smallest kernel "
            f"(live: {live}; scratch {step.code.scratch:,})",
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
    goal = _GOALS[optimize]
    layers = _Layers(graph, todo, able, target, optimize, bool(keep_inputs), told)
    best = _best(layers, optimize)
    if ram_limit is not None and best.memory.size > ram_limit:
        best = _Choice(layers, goal.flash[-1], 0, float("inf")).within(ram_limit)
    if keep_inputs is None:
        memory = layers.assign(best.steps, True)
        if memory.size <= best.memory.size:
            return replace(best, memory=memory, keeps_inputs=True)
    return best


def _best(layers: _Layers, optimize: Optimize) -> Chosen:
    """What a goal chooses where nothing limits it."""
    goal = _GOALS[optimize]
    other = _best(layers, goal.beside).cycles if goal.beside != optimize else None
    for flash in goal.flash:
        choice = _Choice(layers, flash, goal.arena, goal.share)
        first = next(choice.sets())
        most = (1 + goal.share) * (first.cycles if other is None else other)
        if first.cycles <= most:
            break
    return choice.best(most)
