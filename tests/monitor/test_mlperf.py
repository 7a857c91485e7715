"""Inputs and results as MLPerf Tiny has them, by model id."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from monitor_chip import chip, fake_output, random_bytes
from test_text_protocol import load, talk


def results(text: str) -> list[float]:
    return [float(part) for part in text.split("m-results-[")[1].split("]")[0].split(",")]


def reals(raw: bytes, scale: float = 0.5, zero_point: int = -3) -> list[float]:
    return [(value - zero_point) * scale for value in struct.unpack(f"{len(raw)}b", raw)]


def test_kws01_takes_the_tensor_itself() -> None:
    with chip('MONITOR_MODEL_ID="kws01"', "MONITOR_DB_BYTES=490") as port:
        talk(port, b"")
        assert "m-model-[kws01]" in talk(port, b"profile%")
        data = random_bytes(490)
        load(port, data)
        assert results(talk(port, b"infer 1 0%")) == reals(fake_output(data))


@pytest.mark.parametrize("model", ["ic01", "vww01"])
@pytest.mark.parametrize("buffer", [0, 300])
def test_pixels_become_int8(model: str, buffer: int) -> None:
    defines = (f'MONITOR_MODEL_ID="{model}"', f"MONITOR_DB_BYTES={buffer}")
    with chip(*defines, FAKE_INPUT_BYTES=300, FAKE_OUTPUT_BYTES=10) as port:
        talk(port, b"")
        pixels = random_bytes(300)
        load(port, pixels)
        assert talk(port, b"db print 4%").startswith(f"m-buffer-{pixels[:4].hex('-')}\r\n")
        tensor = bytes((value - 128) & 0xFF for value in pixels)
        assert results(talk(port, b"infer 1 0%")) == reals(fake_output(tensor, 10))


def test_ad01_is_quantised_on_the_chip_and_answers_one_distance() -> None:
    """The output is the input: what is left of the difference is the quantisation."""
    count, scale, zero = 64, np.float32(0.391), 9
    values = np.random.default_rng(0).normal(0, 30, count).astype(np.float32)
    values[:4] = [0.0, 40.0, -40.0, 2.5 * scale]
    steps = (values / scale).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(steps) + 0.5), steps)
    stored = np.clip(rounded + zero, -128, 127)
    defines = ('MONITOR_MODEL_ID="ad01"', f"MONITOR_DB_BYTES={4 * count}")
    settings = {"FAKE_INPUT_BYTES": count, "FAKE_OUTPUT_BYTES": count, "FAKE_COPIES": 1,
                "FAKE_SCALE_1000": 391, "FAKE_ZERO_POINT": zero}  # fmt: skip
    with chip(*defines, **settings) as port:
        talk(port, b"")
        load(port, values.tobytes())
        found = results(talk(port, b"infer 1 0%"))
        real = (stored - zero).astype(np.float32) * scale
        assert found == [pytest.approx(float(np.mean((real - values) ** 2)), abs=6e-4)]


def test_ad01_survives_values_that_are_no_numbers() -> None:
    values = np.array([np.nan, np.inf, -np.inf, 3e38], np.float32)
    defines = ('MONITOR_MODEL_ID="ad01"', "MONITOR_DB_BYTES=16")
    with chip(*defines, FAKE_INPUT_BYTES=4, FAKE_OUTPUT_BYTES=4, FAKE_COPIES=1) as port:
        talk(port, b"")
        load(port, values.tobytes())
        assert "m-results-[nan]" in talk(port, b"infer 1 0%")


def test_performance_mode_gives_the_results_of_the_loaded_input() -> None:
    """Every timed inference destroys its input; the one after them is over a fresh copy."""
    with chip('MONITOR_MODEL_ID="kws01"', "MONITOR_DB_BYTES=490", HOST_CLOCK="virtual") as port:
        talk(port, b"")
        data = random_bytes(490)
        load(port, data)
        told = talk(port, b"infer 5 10%")
        assert results(told) == reals(fake_output(data))
        first, last = (int(line[9:]) for line in told.splitlines() if line.startswith("m-lap-us-"))
        assert last - first == 5  # the five between, not the ten before or the one after
        assert results(talk(port, b"infer 1 0%")) == reals(fake_output(data))


def test_energy_mode_signals_instead_of_printing() -> None:
    with chip("MONITOR_ENERGY=1", 'MONITOR_MODEL_ID="kws01"', "MONITOR_DB_BYTES=490") as port:
        assert talk(port, b"") == "m-timestamp-mode-energy\r\nm-init-done\r\nm-ready\r\n"
        assert talk(port, b"timestamp%") == "m-ready\r\n"
        load(port, random_bytes(490), line=26)
        told = talk(port, b"infer 2 1%")
        assert "m-lap-us" not in told
        assert "m-infer-start-2\r\nm-infer-done\r\nm-results-[" in told
