"""A graph -> steps: stretches of ops, and who runs each of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipeline.codegen.references import doubt
from pipeline.convert import Graph, Op

Engine = Literal["tflite-micro", "ai-edge-litert", "definition"]

_ENGINES: dict[str, Engine] = {"litert": "ai-edge-litert", "definition": "definition"}
_STATE = ("READ_VARIABLE", "ASSIGN_VARIABLE")


@dataclass(frozen=True)
class Ruling:
    """An op that TFLite Micro is not the reference for.

    Attributes:
        op: index in the model file.
        name, layer: the op's.
        reference: who is right instead; TFLite Micro itself where it was given the same numbers
            in another form.
        why: in words.
    """

    op: int
    name: str
    layer: str
    reference: Engine
    why: str


@dataclass(frozen=True)
class Step:
    """Ops in a row that one engine runs.

    Attributes:
        engine: who.
        ops: their indices in the model file.
        graph_ops: their indices in the graph, which has no handles of variables.
        inputs, outputs: tensors that come from other steps, and those that others need.
    """

    engine: Engine
    ops: tuple[int, ...]
    graph_ops: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """For the process that runs it."""
        return asdict(self)


def rulings(graph: Graph) -> tuple[Ruling, ...]:
    """The ops of a model that TFLite Micro is not to be believed about."""
    return tuple(
        Ruling(op.origins[0], op.name, op.layer, _ENGINES[found.judge], found.why)
        for op in graph.ops
        if (found := doubt(graph, op)) is not None
    )


def plan(graph: Graph) -> tuple[Step, ...]:
    """The steps of a graph; one alone where TFLite Micro is right about all of it.

    Args:
        graph: as read from the file.
    """
    ruled = {ruling.op: ruling.reference for ruling in rulings(graph)}
    if not ruled:
        ops = tuple(op.origins[0] for op in graph.ops)
        numbers = tuple(range(len(graph.ops)))
        return (Step("tflite-micro", ops, numbers, graph.inputs, graph.outputs),)
    stretches: list[tuple[Engine, list[Op]]] = []
    for op in graph.ops:
        engine = ruled.get(op.origins[0], "tflite-micro")
        if op.name in _STATE:  # variables live between the steps
            engine = "definition"
        if stretches and stretches[-1][0] == engine:
            stretches[-1][1].append(op)
        else:
            stretches.append((engine, [op]))
    return tuple(_step(graph, engine, ops, stretches) for engine, ops in stretches)


def _step(
    graph: Graph, engine: Engine, ops: list[Op], stretches: list[tuple[Engine, list[Op]]]
) -> Step:
    made = {i for op in ops for i in op.outputs}
    elsewhere = {i for _, others in stretches if others is not ops for op in others
                 for i in op.inputs}  # fmt: skip
    read = dict.fromkeys(i for op in ops for i in op.inputs if i >= 0 and i not in made)
    kept = _inner_state(graph, ops)
    return Step(
        engine=engine,
        ops=tuple(op.origins[0] for op in ops),
        graph_ops=tuple(op.index for op in ops),
        inputs=tuple(i for i in read if graph.tensors[i].data is None and i not in kept),
        outputs=tuple(sorted(i for i in made if i in elsewhere or i in graph.outputs)),
    )


def _inner_state(graph: Graph, ops: list[Op]) -> set[int]:
    """Variable tensors an interpreter holds itself: all but those of READ and ASSIGN."""
    return {
        i
        for op in ops
        if op.name not in _STATE
        for i in op.inputs
        if i >= 0 and graph.tensors[i].variable
    }
