"""Pruning and quantising from the command line: what is refused, what is said, what is reused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.options import DataOptions


def a_file(tmp_path: Path) -> Path:
    model = tmp_path / "m.keras"
    model.write_bytes(b"")
    return model


@pytest.mark.parametrize("recipe", ["magnitude:1", "magnitude:-0.1", "neurons:1.5", "neurons:x"])
def test_amounts_outside_of_0_to_1(mcu, tmp_path: Path, recipe: str) -> None:
    ran = mcu("prune", a_file(tmp_path), "--prune", recipe, "--data", "digits")
    assert ran.code == 2
    assert "--prune" in ran.err and "0..1" in ran.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", ["deploy", "prune"])
@pytest.mark.parametrize(
    ("option", "value"),
    [("--max-drop", "2"), ("--max-drop", "-0.1"), ("--control", "magic"), ("--rate", "0"),
     ("--rate", "nan")],
)  # fmt: skip
def test_ways_of_training_without_sense(
    mcu, tmp_path: Path, command: str, option: str, value: str
) -> None:
    board = ["--board", "disco_f407vg"] if command == "deploy" else []
    words = ["--prune", "magnitude:0.5", "--data", "digits", option, value]
    ran = mcu(command, a_file(tmp_path), *board, *words)
    assert ran.code == 2
    assert option in ran.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "words", [["--max-drop", "0.02"], ["--control", "scratch"], ["--rate", "0.01"], ["--distill"]]
)
def test_ways_of_training_that_nothing_heeds(mcu, tmp_path: Path, words: list[str]) -> None:
    ran = mcu("deploy", a_file(tmp_path), "-b", "disco_f407vg", "-d", "digits", *words)
    assert ran.code == 2
    assert words[0] in ran.err and "--prune" in ran.err


def test_a_floor_needs_data_to_judge_by(mcu, tmp_path: Path) -> None:
    ran = mcu("prune", a_file(tmp_path), "--prune", "neurons:0.5", "--max-drop", "0.02")
    assert ran.code == 2
    assert "--data" in ran.err


@pytest.mark.parametrize("command", ["deploy", "quantize"])
def test_an_unknown_scheme_gets_the_known_ones(mcu, tmp_path: Path, command: str) -> None:
    board = ["--board", "disco_f407vg"] if command == "deploy" else []
    ran = mcu(command, a_file(tmp_path), *board, "--data", "digits", "--scheme", "int4")
    assert ran.code == 2
    assert "int8, int16x8, qat" in ran.err


def test_the_split_belongs_to_the_key_of_a_step() -> None:
    plain = DataOptions(data="digits").key()
    assert plain == DataOptions(data="digits", samples=20).key()
    assert plain != DataOptions(data="digits", shuffle=True).key()
    assert plain != DataOptions(data="digits", test_fraction=0.5).key()


# With TensorFlow --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dense.keras, which can be trained, pool.keras, which has nothing to prune, and data."""
    from pipeline.load import Network, save_network
    from pipeline.load.tfenv import seed_everything, tf_keras

    folder = tmp_path_factory.mktemp("networks")
    seed_everything(0)
    layers = tf_keras().layers
    inputs = tf_keras().Input((4, 4, 1))
    x = layers.Dense(16, activation="relu")(layers.Flatten()(inputs))
    dense = tf_keras().Model(inputs, layers.Dense(3, activation="softmax")(x))
    pool = tf_keras().Model(inputs, layers.Flatten()(layers.MaxPooling2D()(inputs)))
    for name, model in (("dense", dense), ("pool", pool)):
        network = Network(name, "", "", "keras2", model, 0.0)
        save_network(network, folder / f"{name}.keras")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    pictures = rng.normal(y[:, None, None, None], 0.3, (200, 4, 4, 1)).astype(np.float32)
    np.savez(folder / "data.npz", x=pictures, y=y)
    np.savez(folder / "wide.npz", x=np.zeros((50, 9, 9, 1), np.float32), y=y[:50])
    np.savez(folder / "maps.npz", x=pictures, y=y + 7)
    return folder


@pytest.mark.slow
def test_a_network_without_weights(mcu, networks: Path, tmp_path: Path) -> None:
    ran = mcu("prune", networks / "pool.keras", "-p", "magnitude:0.5", "-d", "random")
    assert ran.code == 1
    assert "no layer can be pruned" in ran.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("data", ["wide.npz", "maps.npz"])
def test_data_that_can_not_train_this_network(
    mcu, networks: Path, tmp_path: Path, data: str
) -> None:
    words = ["-p", "neurons:0.5", "-d", networks / data]
    ran = mcu("prune", networks / "dense.keras", *words)
    assert ran.code == 1
    assert data in ran.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_what_happened_in_training_is_said(mcu, networks: Path, tmp_path: Path) -> None:
    words = [networks / "dense.keras", "-b", "disco_f407vg", "-d", networks / "data.npz"]
    words += ["-p", "magnitude:0.5", "--epochs", "1", "--until", "quantize", "-o", "run"]
    ran = mcu("deploy", *words, "--rate", "inf", "--control", "scratch")
    assert ran.code == 0, ran.err
    assert "note: the loss was no number in epoch 1: kept the last good state" in ran.err
    assert "note: trained from scratch, the same shape is " in ran.err
    facts = json.loads((tmp_path / "run/model.json").read_text())
    assert any("no number" in note for note in facts["notes"])
    first = (tmp_path / "run/steps.json").read_text()
    assert mcu("deploy", *words, "--rate", "inf", "--control", "scratch").code == 0
    assert (tmp_path / "run/steps.json").read_text() == first, "taken from the run folder"
    ran = mcu("deploy", *words)
    assert "no number" not in ran.err
    assert (tmp_path / "run/steps.json").read_text() != first, "other options: made anew"


@pytest.mark.slow
def test_training_with_rounding_keeps_the_zeros(mcu, networks: Path, tmp_path: Path) -> None:
    words = [networks / "dense.keras", "-b", "disco_f407vg", "-d", networks / "data.npz"]
    words += ["-p", "magnitude:0.75", "--epochs", "2", "--until", "quantize", "-o", "run"]
    ran = mcu("deploy", *words, "--scheme", "qat")
    assert ran.code == 0, ran.err
    from pipeline.convert import read_graph, zero_share
    from pipeline.steps.artifacts import flat_of

    assert zero_share(read_graph(flat_of(tmp_path / "run"))) >= 0.74
