"""Puts together what the steps left into a Report."""

from __future__ import annotations

import platform
import subprocess
from typing import TYPE_CHECKING, Any

from pipeline.report.document import (
    AccuracyFacts,
    BoardFacts,
    CompressionFacts,
    LatencyFacts,
    LayerFacts,
    MemoryFacts,
    ModelFacts,
    Report,
)

if TYPE_CHECKING:
    from pipeline.board import Board
    from pipeline.build import Image
    from pipeline.flash import Device
    from pipeline.load import FlatModel
    from pipeline.measure import Measurement


def assemble(
    *,
    facts: dict[str, Any],
    flat: FlatModel,
    program: dict[str, Any],
    image: Image,
    device: Device,
    board: Board,
    measurement: Measurement,
    artifacts: dict[str, str],
) -> Report:
    """A report of one run.

    Args:
        facts: what is known of the model's making (model.json of the run folder).
        program: the layers as generated (program.json of the run folder).
        artifacts: path -> SHA-256.
    """
    from pipeline.convert import parameters, read_graph, total_macs, zero_share

    graph = read_graph(flat)
    latency, accuracy = measurement.latency, measurement.accuracy
    return Report(
        schema=1,
        model=ModelFacts(flat.name, flat.sha256, total_macs(graph), parameters(graph)),
        board=BoardFacts(board.id, board.mcu, board.core, board.clock_hz),
        on=device.on,
        engine=program["engine"],
        compression=CompressionFacts(
            method=facts["method"],
            sparsity=zero_share(graph),
            neurons_removed=facts.get("neurons_removed", 0),
            float_accuracy=facts.get("float_accuracy"),
            pruned_accuracy=facts.get("pruned_accuracy"),
            quantized_accuracy=facts.get("quantized_accuracy"),
            float32_bytes=facts["float32_bytes"],
            flash_model_bytes=image.flash_model_bytes,
            ratio=facts["float32_bytes"] / max(1, image.flash_model_bytes),
        ),
        memory=MemoryFacts(
            flash_bytes=image.flash_bytes,
            flash_code_bytes=image.flash_code_bytes,
            flash_model_bytes=image.flash_model_bytes,
            flash_limit=board.flash.bytes,
            ram_bytes=image.ram_bytes,
            arena_bytes=image.arena_bytes,
            stack_peak_bytes=measurement.memory.stack_peak_bytes,
            ram_limit=board.ram.bytes,
        ),
        latency=LatencyFacts(
            latency.inferences,
            latency.unit,
            latency.minimum,
            latency.median,
            latency.maximum,
            latency.seconds,
        ),
        accuracy=AccuracyFacts(
            accuracy.samples,
            accuracy.device,
            accuracy.host,
            accuracy.identical_outputs,
            accuracy.reference,
        ),
        layers=_layers(program["layers"], measurement),
        environment=_environment(image, program, facts),
        artifacts=artifacts,
    )


def _layers(layers: list[dict[str, Any]], measurement: Measurement) -> tuple[LayerFacts, ...]:
    costs = {layer.index: layer.cost for layer in measurement.layers}
    total = max(1, sum(costs.values()))
    return tuple(
        LayerFacts(
            index=layer["index"],
            op=layer["op"],
            name=layer["name"],
            macs=layer["macs"],
            cost=costs.get(layer["index"], 0),
            share=costs.get(layer["index"], 0) / total,
            kernel=layer["kernel"],
            encoding=layer["encoding"],
            weight_bytes=layer["weight_bytes"],
        )
        for layer in layers
    )


def _environment(
    image: Image, program: dict[str, Any], facts: dict[str, Any]
) -> dict[str, str | float | None]:
    from pipeline.resources import VERSION

    notes = [*facts.get("notes", ()), *facts.get("quantize_notes", ())]
    return {
        "mcu_pipeline": VERSION,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "optimize": program["optimize"],
        **({"compression_notes": "; ".join(notes)} if notes else {}),
        **({"git": state} if (state := git_state()) else {}),
        **dict(image.environment),
    }


def git_state() -> str:
    """Commit of the working directory, "-dirty" where tracked files differ; "" outside of git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
