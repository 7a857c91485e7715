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

from pipeline.codegen.kernels.kernel import PRICES, Code, Cost, Kernel, Site
from pipeline.codegen.memory.arena import Memory, assign
from pipeline.codegen.memory.lives import Lives
from pipeline.codegen.program import Optimize
from pipeline.codegen.target import Target
from pipeline.convert.graph import Graph, Op
from pipeline.errors import DoesNotFit


@dataclass(frozen=True)
class _Goal:
    """What a goal pays in instructions per inference.

    Attributes:
        flash, arena: for a byte of each.
        share: in all at most this share of what `beside` takes.
        beside: the goal it is compared with.
    """

    flash: float
    arena: float
    share: float
    beside: Optimize


_GOALS: Mapping[Optimize, _Goal] = {
    "speed": _Goal(*PRICES["speed"], 0.0, "speed"),
    "balanced": _Goal(*PRICES["balanced"], 0.1, "balanced"),
    "size": _Goal(*PRICES["size"], 0.3, "balanced"),
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
        cycles: instructions per inference.
        flash: bytes of flash, beside what all kernels take.
        keeps_inputs: an inference leaves the inputs as they are.
    """

    steps: tuple[Step, ...]
    memory: Memory
    cycles: float
    flash: int
    keeps_inputs: bool

    def price(self, goal: _Goal) -> float:
        """All it takes, in instructions."""
        return self.cycles + goal.flash * self.flash + goal.arena * self.memory.size


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
        self._memories: dict[tuple[int, ...], Memory] = {}

    def code(self, number: int, kernel: Kernel) -> Code:
        """An op's code with a kernel."""
        key = number, id(kernel)
        if key not in self._codes:
            self._codes[key] = kernel.lower(Site(number, self.graph, self.todo[number]))
        return self._codes[key]

    def assign(self, steps: Sequence[Step], keep_inputs: bool) -> Memory:
        """The arena of a choice."""
        key = keep_inputs, *(id(step.code) for step in steps)
        if key not in self._memories:
            layers = [(step.op, step.code) for step in steps]
            self._memories[key] = assign(self.graph, layers, self.align, keep_inputs)
        return self._memories[key]


@dataclass(frozen=True)
class _Option:
    """A kernel for one op, and what is live while it runs."""

    step: Step
    cost: Cost
    needed: int


class _Choice:
    """The choice of kernels for a model.

    Args:
        layers: what there is to choose from.
        flash: instructions that a byte of flash is worth.
        share: what is paid for memory at most, as a share of the cheapest kernels' price.
    """

    def __init__(self, layers: _Layers, flash: float, share: float) -> None:
        self._layers, self._flash = layers, flash
        # A price is negative where sparse weights save more flash than they take instructions.
        room = share * abs(sum(min(map(self._price, costs)) for costs in layers.costs))
        self._options = [self._worth_it(n, costs, room) for n, costs in enumerate(layers.costs)]

    def _price(self, found: tuple[Cost, Kernel]) -> float:
        return found[0].cycles + self._flash * found[0].flash

    def _worth_it(
        self, number: int, costs: Sequence[tuple[Cost, Kernel]], room: float
    ) -> list[_Option]:
        """Options by price, each needing less than those before it."""
        kept: list[_Option] = []
        ordered = sorted(costs, key=self._price)
        for found in ordered:
            if self._price(found) > self._price(ordered[0]) + room:
                break
            cost, kernel = found
            code = self._layers.code(number, kernel)
            step = Step(self._layers.todo[number], kernel, code)
            option = _Option(step, cost, self._layers.lives.needed(number, code))
            if not kept or option.needed < kept[-1].needed:
                kept.append(option)
        return kept

    def sets(self, most: float = math.inf) -> Iterator[Chosen]:
        """Sets of kernels from the cheapest to the smallest.

        Args:
            most: instructions per inference; sets that take more are left out.
        """
        seen = set()
        for limit in sorted({o.needed for options in self._options for o in options}, reverse=True):
            picked = [
                next((o for o in options if o.needed <= limit), options[-1])
                for options in self._options
            ]
            key = tuple(id(option) for option in picked)
            cycles = sum(option.cost.cycles for option in picked)
            if key in seen or cycles > most:
                continue
            seen.add(key)
            steps = tuple(option.step for option in picked)
            yield Chosen(
                steps,
                self._layers.assign(steps, self._layers.keep_inputs),
                cycles,
                sum(option.cost.flash for option in picked),
                self._layers.keep_inputs,
            )

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
        best = _Choice(layers, goal.flash, math.inf).within(ram_limit)
    if keep_inputs is None:
        memory = layers.assign(best.steps, True)
        if memory.size <= best.memory.size:
            return replace(best, memory=memory, keeps_inputs=True)
    return best


def _best(layers: _Layers, optimize: Optimize) -> Chosen:
    """What a goal chooses where nothing limits it."""
    goal = _GOALS[optimize]
    if goal.beside == optimize:
        choice = _Choice(layers, goal.flash, goal.share)
        first = next(choice.sets())
        found = list(choice.sets((1 + goal.share) * first.cycles))
    else:
        # Half the price of flash, and half of that, leave more to pay memory with.
        other = _best(layers, goal.beside)
        most = (1 + goal.share) * other.cycles
        prices = (goal.flash / 2**n for n in range(4))
        found = [other]
        found += (s for price in prices for s in _Choice(layers, price, goal.share).sets(most))
    return min(found, key=lambda chosen: (chosen.price(goal), chosen.memory.size))
