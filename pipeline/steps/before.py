"""What pruning bought: the network as it was before, layer by layer, on the same board.

The unpruned network is quantised when it is pruned, and compiled for the board when the
report is written. It is neither built nor run: bytes are exact, instructions are expected by
`pipeline.analyze.analyze`. So are those of the network now, to be held against them: an
estimate and a measurement are not alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import McuError
from pipeline.run import write_atomically

if TYPE_CHECKING:
    from pipeline.load import FlatModel, Network

BEFORE = "before.tflite"
# Only sizes and kernels are wanted, not good ranges: a few generated samples do.
_CALIBRATION_SAMPLES = 16


def keep_before(network: Network, folder: Path) -> tuple[str, ...]:
    """Quantises an unpruned network with generated inputs into before.tflite.

    Returns:
        The files written; none for a network that has no integer form.
    """
    from pipeline.load import load_data
    from pipeline.quantize import quantize

    try:
        data = load_data("random", network.signature)
        flat = quantize(network, data, samples=_CALIBRATION_SAMPLES)
    except McuError:
        return ()
    write_atomically(folder / BEFORE, flat.content)
    return (BEFORE,)


def before_layers(
    folder: Path, now: FlatModel, program: dict[str, Any], board: str
) -> dict[int, dict[str, Any]]:
    """Index of a layer -> fields of BeforeFacts: what the same layer was before.

    Layers are the same by their position where both programs have the same operators in the
    same order, else by operator and name. Empty where nothing was pruned or can be compared.

    Args:
        folder: of the run.
        now: the model that was measured.
        program: its layers as generated (program.json).
        board: board id.
    """
    from pipeline.analyze import analyze
    from pipeline.load import FlatModel

    path = folder / BEFORE
    if not path.is_file() or program["engine"] != "aot":
        return {}
    old = FlatModel(now.name, path.read_bytes())
    mine = program["layers"]
    try:
        if _input_type(old) != _input_type(now):
            return {}
        layers = analyze(old, board, optimize=program["optimize"]).layers
        mine_again = analyze(
            now, board, optimize=program["optimize"], ram_limit=program.get("ram_limit")
        ).layers
    except McuError:
        return {}
    expected = {
        layer["index"]: again.instructions
        for layer, again in zip(mine, mine_again, strict=False)
        if layer["op"] == again.op
    }
    if [layer["op"] for layer in mine] == [layer.op for layer in layers]:
        pairs = zip(mine, layers, strict=True)
    else:
        known = {(layer.op, layer.name): layer for layer in layers}
        named = [(layer, known.get((layer["op"], layer["name"]))) for layer in mine]
        pairs = ((layer, found) for layer, found in named if found)  # type: ignore[assignment]
    return {
        layer["index"]: {
            "kernel": found.kernel,
            "encoding": found.encoding,
            "weight_bytes": found.weight_bytes,
            "cost": found.instructions,
            "cost_now": expected.get(layer["index"]),
        }
        for layer, found in pairs
    }


def _input_type(flat: FlatModel) -> str:
    from pipeline.convert import read_graph

    graph = read_graph(flat)
    return graph.tensors[graph.inputs[0]].dtype
