"""Data sets: what is accepted, and what is said about the rest."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import DataError, WrongUse
from pipeline.load import Signature, load_data, load_split

FLOAT = Signature((4, 3, 1), "float32", (5,))
INT8 = Signature((4, 3, 1), "int8", (5,))


@pytest.fixture
def save(tmp_path):
    def write(**arrays):
        path = tmp_path / "set.npz"
        np.savez(path, **arrays)
        return path

    return write


def samples(count=10, shape=(4, 3, 1), dtype="float32"):
    return np.random.default_rng(0).uniform(-100, 100, (count, *shape)).astype(dtype)


def test_floats_go_to_a_float_network_as_they_are(save):
    x, y = samples(), np.arange(10) % 5
    data = load_data(save(x=x, y=y), FLOAT)
    np.testing.assert_array_equal(data.x, x)
    np.testing.assert_array_equal(data.y, y)
    assert data.x.dtype == np.float32
    assert data.y.dtype == np.int64
    assert not data.quantized


def test_integers_of_the_models_type_are_sent_raw(save):
    data = load_data(save(x=samples(dtype="int8")), INT8)
    assert data.quantized
    assert data.x.dtype == np.int8
    assert data.y is None


def test_wider_integers_are_raw_where_they_fit(save):
    assert load_data(save(x=samples(dtype="int64")), INT8).x.dtype == np.int8
    with pytest.raises(DataError, match="takes int8"):
        load_data(save(x=samples(dtype="int64") * 10), INT8)


def test_bytes_without_a_sign_are_not_guessed_at(save):
    path = save(x=np.full((2, 4, 3, 1), 7, np.uint8))
    with pytest.raises(DataError, match="--x-scale"):
        load_data(path, INT8)
    assert not load_data(path, INT8, x_scale=0.5).quantized


def test_scale_and_zero_point_give_real_values(save):
    data = load_data(save(x=np.full((2, 4, 3, 1), 7, np.int8)), FLOAT, x_scale=0.5, x_zero_point=3)
    np.testing.assert_array_equal(data.x, np.full((2, 4, 3, 1), 2.0))


def test_a_missing_channel_axis_is_added(save):
    assert load_data(save(x=samples(shape=(4, 3))), FLOAT).x.shape == (10, 4, 3, 1)
    flat = Signature((4, 3), "float32", (5,))
    assert load_data(save(x=samples()), flat).x.shape == (10, 4, 3)


def test_an_npy_file_holds_samples(tmp_path):
    np.save(tmp_path / "x.npy", samples())
    assert len(load_data(tmp_path / "x.npy", FLOAT)) == 10


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (np.eye(5)[[0, 1, 2, 3, 4]], [0, 1, 2, 3, 4]),
        (np.array([[0], [1], [2], [3], [4]], np.uint8), [0, 1, 2, 3, 4]),
        (np.array([0.0, 1.0, 2.0, 3.0, 4.0]), [0, 1, 2, 3, 4]),
    ],
)
def test_forms_of_labels(save, y, expected):
    data = load_data(save(x=samples(5), y=y), FLOAT)
    assert data.y.tolist() == expected


def test_real_targets_are_kept_apart_from_labels(save):
    regression = Signature((4, 3, 1), "float32", (1,))
    data = load_data(save(x=samples(3), y=np.array([0.5, 1.5, 2.0])), regression)
    assert data.y is None
    np.testing.assert_array_equal(data.targets, np.array([[0.5], [1.5], [2.0]], np.float32))


NAN = samples()
NAN[3, 1, 2, 0] = np.nan
HUGE = samples(dtype="float64")
HUGE[0, 0, 0, 0] = 1e300


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": samples(shape=(5, 3, 1))}, r"shape \(5, 3, 1\), the model takes \(4, 3, 1\)"),
        ({"x": samples(shape=(3, 4, 1))}, "reshape"),
        ({"x": samples(1)[0]}, "one sample without a batch"),
        ({"x": NAN}, r"x\[3, 1, 2, 0\] is nan"),
        ({"x": HUGE}, r"x\[0, 0, 0, 0\] is inf"),
        ({"x": samples(0)}, "no samples"),
        ({"x": np.array(["a", "b"])}, "not numbers"),
        ({"x": samples().astype(complex)}, "not numbers"),
        ({"x": samples(), "y": np.arange(9) % 5}, "10 samples, but 9 labels"),
        ({"x": samples(), "y": np.arange(10)}, r"y\[5\] is class 5, the model knows 0 to 4"),
        ({"x": samples(), "y": np.arange(10) % 5 - 1}, r"y\[0\] is class -1"),
        ({"x": samples(2), "y": np.array([0.0, np.nan])}, r"y\[1\] is nan"),
        ({"x": samples(2), "y": np.zeros((2, 7))}, r"y has shape \(2, 7\)"),
        ({"x": samples(2), "y": np.array(["cat", "dog"])}, "not numbers"),
        ({"images": samples()}, "holds images, but no `x`"),
        ({"x_train": samples(), "x_test": samples(), "y_test": np.zeros(10)}, "one part only"),
    ],
)
def test_data_that_does_not_fit_is_refused(save, arrays, message):
    with pytest.raises(DataError, match=message):
        load_data(save(**arrays), FLOAT)


def test_pickled_objects_are_refused(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, x=np.array([{"code": 1}, None], dtype=object))
    with pytest.raises(DataError, match="pickle"):
        load_data(path, FLOAT)


def test_a_broken_archive_is_refused(tmp_path, save):
    path = save(x=samples())
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match="can not be read"):
        load_data(path, FLOAT)
    (tmp_path / "x.npy").write_bytes(b"nonsense")
    with pytest.raises(DataError):
        load_data(tmp_path / "x.npy", FLOAT)


def test_other_files_and_names_are_refused(tmp_path):
    with pytest.raises(WrongUse, match="no such data set"):
        load_data("digit", FLOAT)
    (tmp_path / "set.csv").write_text("1,2")
    with pytest.raises(DataError, match="npz"):
        load_data(tmp_path / "set.csv", FLOAT)


def test_the_split_is_the_first_80_and_the_last_20_percent(save):
    x, y = samples(10), np.array([0, 1, 2, 3, 4] * 2)
    split = load_split(save(x=x, y=y), FLOAT)
    np.testing.assert_array_equal(split.train.x, x[:8])
    np.testing.assert_array_equal(split.test.x, x[8:])
    np.testing.assert_array_equal(split.test.y, y[8:])


def test_shuffling_mixes_pairs_and_repeats(save):
    x, y = samples(10), np.arange(10) // 2
    once = load_split(save(x=x, y=y), FLOAT, shuffle=True, test_fraction=0.5)
    again = load_split(save(x=x, y=y), FLOAT, shuffle=True, test_fraction=0.5)
    np.testing.assert_array_equal(once.test.x, again.test.x)
    for sample, label in zip(once.test.x, once.test.y, strict=True):
        (index,) = np.flatnonzero((x == sample).all(axis=(1, 2, 3)))
        assert y[index] == label


def test_sorted_labels_are_not_split_in_order(save):
    with pytest.raises(DataError, match="sorted by label"):
        load_split(save(x=samples(10), y=np.arange(10) // 2), FLOAT)


def test_a_files_own_split_is_kept(save):
    path = save(x_train=samples(6), y_train=np.zeros(6), x_test=samples(4), y_test=np.ones(4))
    split = load_split(path, FLOAT, samples=3)
    assert (len(split.train), len(split.test)) == (6, 3)
    assert load_data(path, FLOAT).y.tolist() == [1, 1, 1, 1]


def test_too_few_samples_to_split(save):
    with pytest.raises(DataError, match="can not be split"):
        load_split(save(x=samples(1)), FLOAT)


def test_samples_and_fractions_without_sense(save):
    path = save(x=samples())
    with pytest.raises(WrongUse):
        load_data(path, FLOAT, samples=0)
    with pytest.raises(WrongUse):
        load_split(path, FLOAT, test_fraction=1.0)


def test_random_data_has_no_labels_and_repeats():
    data = load_data("random", INT8, samples=7)
    assert data.quantized and data.y is None and data.x.shape == (7, 4, 3, 1)
    assert data.x.dtype == np.int8
    np.testing.assert_array_equal(data.x, load_data("random", INT8, samples=7).x)
    split = load_split("random", FLOAT)
    assert split.train.x.dtype == np.float32 and abs(split.train.x).max() <= 1.0
    assert not np.array_equal(split.train.x[:50], split.test.x[:50])


def test_the_digits_come_in_the_shape_that_is_asked_for():
    split = load_split("digits", Signature((8, 8, 1), "float32", (10,)))
    assert split.train.x.shape == (1438, 8, 8, 1)
    assert len(split.test) == 359
    assert split.train.x.min() == 0.0 and split.train.x.max() == 1.0
    assert set(split.test.y.tolist()) == set(range(10))
    assert load_data("digits", Signature((64,), "float32", (10,))).x.shape == (1797, 64)
    with pytest.raises(DataError):
        load_data("digits", FLOAT)


def test_digits_for_an_integer_model_are_real_values():
    assert not load_data("digits", Signature((8, 8, 1), "int8", (10,))).quantized
