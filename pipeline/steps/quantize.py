"""The step `quantize`: a Keras file -> model.tflite; a .tflite is taken as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipeline.errors import WrongUse
from pipeline.options import SCHEMES, DataOptions
from pipeline.progress import Progress, silent
from pipeline.run import Run, digest, write_atomically, write_json
from pipeline.steps.artifacts import FACTS, MODEL, file_key, flat_of
from pipeline.steps.keys import PACKAGE, sources_key, versions

if TYPE_CHECKING:
    from pipeline.load import FlatModel, Network, Split


def quantize(
    run: Run,
    model: Path,
    data: DataOptions,
    *,
    scheme: str = "int8",
    epochs: int | None = None,
    trust: bool = False,
    progress: Progress = silent,
) -> FlatModel:
    """A Keras file -> model.tflite, or a .tflite as it is; `epochs` are those of "qat"."""
    from pipeline.load.sniff import TFLITE, sniff

    if scheme not in SCHEMES:
        raise WrongUse(f"{scheme!r} is not known", where="--scheme", hint=", ".join(SCHEMES))
    if sniff(model).format == TFLITE:
        return flat_model(run, model)

    def make(folder: Path) -> FlatModel:
        from pipeline.load import load_model
        from pipeline.quantize import quantize as quantize_network
        from pipeline.quantize import quantize_aware

        progress("quantize", 0, 0, f"reading {model.name}")
        network = cast("Network", load_model(model, trust=trust))
        split = data.split(network.signature)
        if scheme == "qat":
            flat = quantize_aware(network, split, epochs=epochs, seed=data.seed, progress=progress)
        else:
            kind = cast(Any, scheme)
            flat = quantize_network(network, split.train, scheme=kind, progress=progress)
        write_atomically(folder / MODEL, flat.content)
        write_json(folder / FACTS, _keras_facts(network, flat, split, progress))
        return flat

    trained = [epochs] if scheme == "qat" else []
    key = digest(
        file_key(model), data.key(), trust, scheme, *trained,
        versions(), sources_key(PACKAGE / "load", PACKAGE / "quantize"),
    )  # fmt: skip
    return run.step("quantize", key, (MODEL, FACTS), make, flat_of)


def flat_model(run: Run, model: Path) -> FlatModel:
    """Takes a .tflite into the run, or finds that it is there."""
    from pipeline.convert import parameters, read_graph
    from pipeline.load import FlatModel, load_model
    from pipeline.load.names import identifier

    if model.resolve() == (run.path / MODEL).resolve() and (run.path / FACTS).is_file():
        return flat_of(run.path)

    def make(folder: Path) -> FlatModel:
        found = load_model(model)
        if not isinstance(found, FlatModel):
            raise WrongUse(
                "is no .tflite", where=str(model), hint="`mcu quantize` makes one from Keras"
            )
        flat = FlatModel(identifier(model.stem), found.content)
        count = parameters(read_graph(flat))
        write_atomically(folder / MODEL, flat.content)
        facts = {"name": flat.name, "source": "tflite", "method": "none"}
        write_json(folder / FACTS, {**facts, "float32_bytes": 4 * count})
        return flat

    return run.step("quantize", digest(file_key(model)), (MODEL, FACTS), make, flat_of)


def _keras_facts(
    network: Network, flat: FlatModel, split: Split, progress: Progress
) -> dict[str, Any]:
    from pipeline.load import evaluate
    from pipeline.quantize import evaluate_flat

    done = network.compression
    progress("quantize", 0, 0, "accuracy of the int8 model")
    now = evaluate(network, split.test)
    parameters = done.parameters[0] if done else network.keras.count_params()
    return {
        "name": flat.name,
        "source": network.source_format,
        "method": done.method if done else "none",
        "neurons_removed": sum(done.neurons_removed.values()) if done else 0,
        "float_accuracy": done.float_accuracy if done else now,
        "pruned_accuracy": done.pruned_accuracy if done else None,
        "quantized_accuracy": evaluate_flat(flat, split.test),
        "quantized_samples": len(split.test),
        "float32_bytes": 4 * parameters,
        "check": network.check,
        "input_dtype": network.signature.input_dtype,
        "input_range": network.signature.input_range,
        "notes": list(done.notes) if done else [],
        "quantize_notes": list(flat.notes),
    }
