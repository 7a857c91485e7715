"""Magnitude pruning: the zeros are there, the rest is as good as before, and it repeats."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError, ModelError, WrongUse
from pipeline.load import Dataset, Network, Split, evaluate
from pipeline.prune import prune
from pipeline.prune.magnitude import prune_magnitude, sparsity_by_layer, targets
from pipeline.prune.recipe import Magnitude, parse_recipe

pytestmark = pytest.mark.slow


def blobs(count, seed, labels=True):
    """Pictures with a bright square in one of four corners: easy to tell apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, count)
    x = rng.normal(0.0, 0.3, (count, 6, 6, 1)).astype(np.float32)
    for picture, corner in zip(x, y, strict=True):
        picture[3 * (corner // 2) :][:3, 3 * (corner % 2) :][:, :3] += 1.0
    return Dataset("blobs", x, y if labels else None, False)


@pytest.fixture(scope="module")
def data():
    return Split(blobs(256, 1), blobs(100, 2))


@pytest.fixture(scope="module")
def network(data):
    from pipeline.load.tfenv import seed_everything, tf_keras
    from pipeline.prune.objective import find_objective
    from pipeline.prune.train import Settings, train

    seed_everything(3)
    layers = tf_keras().layers
    inputs = tf_keras().Input((6, 6, 1))
    x = layers.Conv2D(8, 3, activation="relu", name="conv")(inputs)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    x = layers.Dense(16, activation="relu", name="dense")(layers.Flatten()(x))
    model = tf_keras().Model(inputs, layers.Dense(4, activation="softmax", name="out")(x))
    train(
        model,
        find_objective(model, data.train, distill=False),
        data.train.x,
        Settings(20, rate=1e-2),
    )
    return Network("blobs", "", "", "keras2", model, 0.0)


def test_the_network_is_pruned_and_stays_good(network, data):
    before = [w.copy() for w in network.keras.get_weights()]
    calls = []
    pruned = prune(
        network,
        "magnitude:0.75",
        data,
        epochs=6,
        rate=5e-3,
        progress=lambda *call: calls.append(call),
    )
    done = pruned.compression
    assert done.sparsity == pytest.approx(0.75, abs=0.03)  # depthwise kernels keep theirs
    assert len(set(done.layers.values())) > 1  # each gives what it can spare
    assert done.parameters == (network.keras.count_params(),) * 2
    assert evaluate(pruned, data.test) == done.pruned_accuracy >= done.float_accuracy - 0.02
    assert done.epochs == 6 and done.seconds > 0.0
    assert [call[:3] for call in calls] == [("prune", i, 6) for i in range(1, 7)]
    for ours, theirs in zip(before, network.keras.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)  # the original is untouched
    again = prune(network, "magnitude:0.75", data, epochs=6, rate=5e-3)
    for ours, theirs in zip(pruned.keras.get_weights(), again.keras.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    other = prune(network, "magnitude:0.75", data, epochs=6, seed=1)
    assert not np.array_equal(other.keras.get_weights()[0], pruned.keras.get_weights()[0])


def test_without_data_the_smallest_weights_go_at_once(network):
    pruned = prune(
        network, "magnitude:0.5,scope=layer,layer.out=0.9,skip=conv,depthwise=0.25", None
    )
    assert sparsity_by_layer(pruned.keras) == pytest.approx(
        {"conv": 0.0, "depthwise": 0.25, "dense": 0.5, "out": 0.9}, abs=0.02
    )
    assert pruned.compression.float_accuracy is None
    for text in ("magnitude:0.5,scope=layer", "magnitude:0.5"):
        assert prune(network, text, None).compression.layers["depthwise"] == 0.0
    kernel = network.keras.get_layer("dense").get_weights()[0]
    left = pruned.keras.get_layer("dense").get_weights()[0]
    assert np.abs(kernel[left == 0]).max() <= np.abs(kernel[left != 0]).min()


def test_two_in_four(network, data):
    pruned = prune(network, "magnitude:2:4,skip=depthwise", data, epochs=1)
    kernel = pruned.keras.get_layer("dense").get_weights()[0]
    zeros = (kernel.T.reshape(-1, 4) == 0).sum(axis=1)
    assert (zeros >= 2).all()


def test_blocks_of_a_dense_layer(network, data):
    pruned = prune(network, "magnitude:0.5,schedule=constant,block=4x1,skip=conv", data, epochs=1)
    kernel = pruned.keras.get_layer("dense").get_weights()[0]
    blocks = (kernel.reshape(-1, 4, kernel.shape[1]) == 0).sum(axis=1)
    assert np.isin(blocks, (0, 4)).all() and (blocks == 4).mean() == pytest.approx(0.5, abs=0.05)


def test_without_labels_the_unpruned_network_teaches(network, data):
    unlabelled = Split(blobs(256, 1, labels=False), data.test)
    pruned = prune(network, "magnitude:0.75", unlabelled, epochs=6, rate=5e-3)
    assert pruned.compression.pruned_accuracy >= pruned.compression.float_accuracy - 0.03


def test_a_network_that_guesses_does_not_teach(network, data):
    from pipeline.load.tfenv import tf_keras
    from pipeline.prune.objective import find_objective

    assert find_objective(network.keras, data.train).teacher is network.keras
    untrained = tf_keras().models.clone_model(network.keras)
    for weight in untrained.weights:
        weight.assign(weight * 0.0)  # the same answer to everything
    objective = find_objective(untrained, data.train)
    assert objective.teacher is None and "no more often than a guess" in objective.notes[0]
    assert find_objective(untrained, data.train, distill=True).teacher is untrained
    guessing = Network("guess", "", "", "keras2", untrained, 0.0)
    assert objective.notes[0] in prune(guessing, "magnitude:0.1", data, epochs=1).compression.notes


def test_a_loss_that_is_no_number_ends_the_training_at_the_last_good_state(network, data):
    pruned = prune(network, "magnitude:0.5", data, epochs=3, rate=float("inf"))
    assert "the loss was no number in epoch 1" in pruned.compression.notes[0]
    assert all(np.isfinite(w).all() for w in pruned.keras.get_weights())
    assert pruned.compression.sparsity == pytest.approx(0.5, abs=0.03)


def test_wrong_layers_and_data_are_refused(network, data):
    with pytest.raises(WrongUse, match="no layer 'convolution'") as caught:
        prune(network, "magnitude:0.5,skip=convolution", None)
    assert "conv, depthwise, dense, out" in caught.value.hint
    raw = Split(Dataset("raw", data.train.x.astype(np.int8), None, True), data.test)
    with pytest.raises(DataError, match="raw integers"):
        prune(network, "magnitude:0.5", raw)
    empty = Split(data.train.take(0), data.test)
    with pytest.raises(DataError, match="no training samples"):
        prune(network, "magnitude:0.5", empty)


def test_a_network_without_weights_can_not_be_pruned():
    from pipeline.load.tfenv import tf_keras

    inputs = tf_keras().Input((4, 4, 1))
    model = tf_keras().Model(inputs, tf_keras().layers.MaxPooling2D()(inputs))
    with pytest.raises(ModelError, match="no layer can be pruned"):
        prune_magnitude(model, Magnitude(0.5), None, None, None)
    assert targets(model, Magnitude(0.0), "") == {}


def test_neurons_and_magnitude_together(network, data):
    pruned = prune(network, "neurons:0.5+magnitude:0.5", data, epochs=6, rate=5e-3)
    done = pruned.compression
    assert done.neurons_removed == {"conv": 4, "dense": 8}
    assert done.frozen == {"out": "the network's output"}
    assert done.parameters[1] < done.parameters[0] / 2.5
    assert done.sparsity == pytest.approx(0.5, abs=0.03)
    assert done.pruned_accuracy >= done.float_accuracy - 0.05


@pytest.mark.parametrize("score", ["taylor", "activation"])
def test_scores_from_data(network, data, score):
    from pipeline.prune.neurons import remove_neurons
    from pipeline.prune.objective import find_objective

    stage = parse_recipe(f"neurons:0.5,score={score}").stages[0]
    objective = find_objective(network.keras, data.train)
    done = remove_neurons(network.keras, stage, objective, data.train.x)
    assert done.removed == {"conv": 4, "dense": 8}
    with pytest.raises(WrongUse, match="needs data"):
        remove_neurons(network.keras, stage, None, None)


@pytest.mark.parametrize(
    ("last", "target", "kind"),
    [
        ("softmax", None, "softmax"),
        ("linear", None, "logits"),
        ("sigmoid", None, "sigmoid"),
        ("linear", (3,), "values"),
    ],
)
def test_the_loss_follows_from_output_and_labels(last, target, kind):
    from pipeline.load.tfenv import tf_keras
    from pipeline.prune.objective import find_objective

    inputs = tf_keras().Input((4,))
    model = tf_keras().Model(inputs, tf_keras().layers.Dense(3, activation=last)(inputs))
    x = np.ones((6, 4), np.float32)
    y = None if target else np.arange(6) % 3
    targets = np.ones((6, 3), np.float32) if target else None
    objective = find_objective(model, Dataset("d", x, y, False, targets))
    assert objective.kind == kind


def test_an_autoencoder_learns_its_input():
    from pipeline.load.tfenv import tf_keras
    from pipeline.prune.objective import find_objective

    inputs = tf_keras().Input((4,))
    model = tf_keras().Model(inputs, tf_keras().layers.Dense(4)(inputs))
    x = np.ones((6, 4), np.float32)
    objective = find_objective(model, Dataset("d", x, None, False))
    assert objective.kind == "values"
    np.testing.assert_array_equal(objective.answers, x)


def test_pruning_stops_at_the_largest_drop_allowed(network, data):
    far = prune(network, "magnitude:0.995", data, epochs=2, rate=5e-3, max_drop=0.02)
    done = far.compression
    assert 0.2 < done.sparsity < 0.99
    assert done.float_accuracy - done.pruned_accuracy <= 0.02 + 1e-9
    assert done.notes[-1].startswith("magnitude: stopped at 0.")


def test_a_control_from_scratch_is_told_of(network, data):
    done = prune(network, "neurons:0.5", data, epochs=5, rate=5e-3, control="scratch").compression
    assert "trained from scratch, the same shape is" in done.notes[-1]
    assert done.epochs == 15
    assert done.parameters[1] < done.parameters[0]


@pytest.mark.parametrize(
    "options", [{"epochs": -1}, {"max_drop": 2.0}, {"max_drop": -0.1}, {"control": "magic"}]
)
def test_options_without_sense(network, data, options):
    with pytest.raises(WrongUse):
        prune(network, "magnitude:0.5", data, **options)


def test_a_floor_or_a_control_needs_data(network):
    for options in ({"max_drop": 0.1}, {"control": "scratch"}):
        with pytest.raises(WrongUse, match="needs data"):
            prune(network, "magnitude:0.5", None, **options)


def test_batch_statistics_are_taken_anew():
    from pipeline.load.tfenv import tf_keras
    from pipeline.prune.objective import find_objective
    from pipeline.prune.recalibrate import recalibrate

    layers = tf_keras().layers
    inputs = tf_keras().Input((3,))
    x = layers.Dropout(0.5)(layers.BatchNormalization(name="bn")(inputs))
    model = tf_keras().Model(inputs, layers.Dense(2, activation="softmax")(x))
    rng = np.random.default_rng(0)
    samples = (rng.normal(size=(512, 3)) * 5.0 + 7.0).astype(np.float32)
    answers = (samples[:, 0] > 7.0).astype(np.int64)
    model.layers[-1].set_weights([np.array([[-3.0, 3.0], [0, 0], [0, 0]]), np.zeros(2)])
    objective = find_objective(model, Dataset("d", samples, answers, False), distill=False)
    recalibrate(model, objective, samples)
    _, _, mean, variance = model.get_layer("bn").get_weights()
    np.testing.assert_allclose(mean, samples.mean(axis=0), rtol=1e-3)
    np.testing.assert_allclose(variance, samples.var(axis=0), rtol=0.05)
    assert model.get_layer("bn").momentum == 0.99 and model.layers[2].rate == 0.5


def test_agreement_and_loss_are_judged_where_labels_are_missing(network, data):
    from pipeline.load.tfenv import tf_keras
    from pipeline.prune.judge import judge_for

    unlabelled = blobs(50, 4, labels=False)
    judge = judge_for(network.keras, unlabelled)
    assert (judge.kind, judge.reference, judge.drop(network.keras)) == ("agreement", 1.0, 0.0)
    inputs = tf_keras().Input((6, 6, 1))
    double = tf_keras().Model(inputs, tf_keras().layers.Rescaling(1.5)(inputs))
    triple = tf_keras().Model(inputs, tf_keras().layers.Rescaling(2.0)(inputs))
    judge = judge_for(double, unlabelled)
    assert judge.kind == "loss"
    assert judge.drop(triple) == pytest.approx(3.0, rel=1e-4)


def test_clustered_layers_have_few_weights_and_keep_their_zeros(network, data):
    sparse = prune(network, "magnitude:0.5", None)
    done = prune(sparse, "cluster:6,skip=conv", data, epochs=2)
    for name in ("dense", "out"):
        kernel = done.keras.get_layer(name).get_weights()[0]
        before = sparse.keras.get_layer(name).get_weights()[0]
        assert len(np.unique(kernel)) <= 7
        np.testing.assert_array_equal(kernel[before == 0], 0)
    assert len(np.unique(done.keras.get_layer("conv").get_weights()[0])) > 7
    assert done.compression.pruned_accuracy >= evaluate(network, data.test) - 0.1
    with pytest.raises(ModelError, match="no layer can be clustered"):
        prune(network, "cluster:100000", None)
