"""What the digits model has to do on the board, whichever board that is."""

from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
DATA = np.load(HERE / "digits.npz")
X, Y = DATA["x"], DATA["y"]


@pytest.fixture
def digits(board):
    return board.deploy(HERE.parent / "models" / "digits.tflite")


def test_it_knows_the_digits(digits):
    assert digits.accuracy(X, Y) >= 0.97


def test_it_answers_as_on_the_host(digits):
    assert digits.measure(X[:20]).accuracy.identical_outputs == 20


def test_it_is_quick(digits):
    assert digits.latency(X[:5]).median < 2_000_000


def test_it_leaves_room_for_the_application(digits):
    assert digits.flash_bytes < 64 * 1024
    assert digits.ram_bytes < 16 * 1024
