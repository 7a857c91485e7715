"""Puts together what the steps left into a Report."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pipeline.report.document import (
    SCHEMA,
    AccuracyFacts,
    BeforeFacts,
    BoardFacts,
    CompressionFacts,
    DataFacts,
    EnergyFacts,
    LatencyFacts,
    LayerFacts,
    MemoryFacts,
    ModelFacts,
    Report,
    RulingFacts,
    ScoreFacts,
)

if TYPE_CHECKING:
    from pipeline.board import Board
    from pipeline.build import Image
    from pipeline.flash import Device
    from pipeline.flash.device import On
    from pipeline.load import FlatModel
    from pipeline.measure import Measurement
    from pipeline.measure.scores import Scores


_MOST_DIGITS = 16


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
    before: Mapping[int, dict[str, Any]] = MappingProxyType({}),
) -> Report:
    """A report of one run.

    Args:
        facts: what is known of the model's making (model.json of the run folder).
        program: the layers as generated (program.json of the run folder).
        artifacts: path -> SHA-256.
        before: index of a layer -> fields of BeforeFacts.
    """
    from pipeline.convert import parameters, read_graph, total_macs, zero_share

    graph = read_graph(flat)
    latency, accuracy, energy = measurement.latency, measurement.accuracy, measurement.energy
    return Report(
        schema=SCHEMA,
        model=ModelFacts(flat.name, flat.sha256, total_macs(graph), parameters(graph)),
        board=BoardFacts(board.id, board.mcu, board.core, board.clock_hz),
        on=_on(device, measurement),
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
            sections=dict(image.sections),
            parts=dict(image.parts),
            engine_bytes=_engine_bytes(image),
            heap=image.heap,
            arena_used_bytes=_number(measurement.firmware.get("arena_bytes")),
        ),
        latency=LatencyFacts(
            latency.inferences,
            latency.unit,
            latency.minimum,
            latency.median,
            latency.maximum,
            latency.seconds,
            latency.p95,
            latency.clock_hz,
        ),
        accuracy=AccuracyFacts(
            accuracy.samples,
            accuracy.device,
            accuracy.host,
            accuracy.identical_outputs,
            accuracy.reference,
            accuracy.task,
            accuracy.k,
            _scores(accuracy.on_device),
            _scores(accuracy.on_host),
            accuracy.different,
            accuracy.largest_steps,
            accuracy.largest_difference,
            accuracy.largest_ulps,
            accuracy.reference_reason,
            tuple(RulingFacts(**asdict(ruling)) for ruling in accuracy.rulings),
            accuracy.verdict,
            accuracy.alarm,
            accuracy.alarm_layer,
        ),
        layers=_layers(program["layers"], measurement, before),
        environment=_environment(image, program, facts, device, board),
        artifacts=artifacts,
        data=DataFacts(measurement.data.get("name", ""), measurement.data.get("sha256")),
        energy=None if energy is None else EnergyFacts(**asdict(energy)),
    )


def _scores(found: Scores | None) -> ScoreFacts | None:
    return None if found is None else ScoreFacts(**asdict(found))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < _MOST_DIGITS else None


def _engine_bytes(image: Image) -> int | None:
    """Flash of code and model; None where the parts are not known."""
    from pipeline.build.parts import ENGINE_PARTS

    return sum(image.parts.get(part, 0) for part in ENGINE_PARTS) if image.parts else None


def _layers(
    layers: list[dict[str, Any]], measurement: Measurement, before: Mapping[int, dict[str, Any]]
) -> tuple[LayerFacts, ...]:
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
            before=BeforeFacts(**before[i]) if (i := layer["index"]) in before else None,
        )
        for layer in layers
    )


def _on(device: Device, measurement: Measurement) -> On:
    """Where it ran: an emulator too where a pseudo-terminal stood for a board's port."""
    from pipeline.flash.device import EMULATORS

    emulator = measurement.firmware.get("emulator")
    return next((on for on in EMULATORS if on == emulator), device.on)


def _environment(
    image: Image, program: dict[str, Any], facts: dict[str, Any], device: Device, board: Board
) -> dict[str, str | float | None]:
    from pipeline.flash.qemu import qemu_version
    from pipeline.resources import VERSION

    notes = [*facts.get("notes", ()), *facts.get("quantize_notes", ())]
    return {
        "mcu_pipeline": VERSION,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "optimize": program["optimize"],
        **({"graph_passes": done} if (done := saved_by_passes(program)) else {}),
        **({"compression_notes": "; ".join(notes)} if notes else {}),
        **({"git": state} if (state := git_state()) else {}),
        **({"source": state} if (state := _source_state()) else {}),
        **({"emulator": qemu_version(board)} if device.on == "qemu" else {}),
        **dict(image.environment),
    }


def saved_by_passes(program: dict[str, Any]) -> str:
    """What graph passes saved, in a few words; `mcu convert --explain` tells it by layer."""
    units = {
        "macs": "MACs",
        "constant_bytes": "bytes of constants",
        "tensor_bytes": "bytes of tensors",
        "ops": "ops",
    }
    parts = []
    for done in program.get("passes", ()):
        saved = [f"{done[key]:,} {unit}" for key, unit in units.items() if done[key] > 0]
        parts.append(f"{done['name']}: {', '.join(saved) or 'nothing by itself'}")
    return "; ".join(parts)


def _source_state() -> str:
    """Commit of this package's own checkout; "" where it was installed without one."""
    root = Path(__file__).resolve().parents[2]
    return git_state(root) if (root / ".git").exists() else ""


def git_state(folder: Path | None = None) -> str:
    """Commit of a folder's checkout, "-dirty" where tracked files differ; "" outside of git.

    Args:
        folder: the working directory by default.
    """
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
