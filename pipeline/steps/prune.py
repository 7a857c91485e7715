"""The step `prune`: a Keras file -> pruned.keras."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pipeline.errors import WrongUse
from pipeline.options import DataOptions, TrainOptions
from pipeline.progress import Progress, silent
from pipeline.run import Run, digest
from pipeline.steps.artifacts import PRUNED, file_key
from pipeline.steps.before import keep_before
from pipeline.steps.keys import versions

if TYPE_CHECKING:
    from pipeline.load import Compression


def prune(
    run: Run,
    model: Path,
    recipe: str,
    data: DataOptions,
    *,
    training: TrainOptions = TrainOptions(),
    trust: bool = False,
    progress: Progress = silent,
) -> Compression:
    """A Keras file -> pruned.keras."""
    from pipeline.load import FlatModel, load_model, save_network
    from pipeline.load.network import read_record
    from pipeline.prune import parse_recipe
    from pipeline.prune import prune as prune_network

    parse_recipe(recipe)
    training.check_use(data=data.data is not None, prunes=True)

    left = [PRUNED]

    def make(folder: Path) -> Compression:
        progress("prune", 0, 0, f"reading {model.name}")
        network = load_model(model, trust=trust)
        if isinstance(network, FlatModel):
            raise WrongUse(
                "a .tflite can't be pruned",
                where=str(model),
                hint="give the Keras model it was made from",
            )
        pruned = prune_network(
            network,
            recipe,
            data.split(network.signature),
            **{name: value for name, value in asdict(training).items() if value is not None},
            seed=data.seed,
            progress=progress,
        )
        save_network(pruned, folder / PRUNED)
        left.extend(keep_before(network, folder))
        assert pruned.compression is not None
        return pruned.compression

    def load(folder: Path) -> Compression:
        record = read_record(folder / PRUNED)
        assert record is not None
        return cast("Compression", record["compression"])

    key = digest(file_key(model), recipe, data.key(), asdict(training), trust, versions())
    return run.step("prune", key, left, make, load)
