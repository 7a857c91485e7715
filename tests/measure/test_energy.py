"""Energy from recorded traces, and from stand-ins with the functions of the meters' libraries."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.errors import DataError, DeviceError, ToolMissing, WrongUse
from pipeline.measure.energy import Trace, energy_of, read_trace
from pipeline.measure.meters import EnergyOptions, metered, open_meter, replayed


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Ten milliamperes for a second, thirty for two while the marker is set, ten again."""
    rows = ["seconds,amperes,volts,marker"]
    for i in range(401):
        active = 100 <= i <= 300
        rows.append(f"{i / 100},{0.03 if active else 0.01},3.0,{int(active)}")
    path = tmp_path / "trace.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_the_marker_says_where_the_inferences_are(trace: Path) -> None:
    found = replayed(EnergyOptions(f"trace:{trace}", inferences=100), inferences=7)
    assert found.joules == pytest.approx(0.03 * 3.0 * 2.0 / 100)
    assert (found.inferences, found.samples, found.source) == (100, 201, "trace.csv")
    assert (found.seconds, found.amperes, found.volts) == pytest.approx((2.0, 0.03, 3.0))


def test_a_window_says_it_too(trace: Path) -> None:
    options = EnergyOptions(f"trace:{trace}", window=(3.5, 4.0))
    assert replayed(options, inferences=10).joules == pytest.approx(0.01 * 3.0 * 0.5 / 10)


def test_pulses_before_and_after_are_the_ends_of_the_window() -> None:
    seconds = np.arange(11) / 10
    marker = np.isin(np.arange(11), (2, 7))
    found = Trace("t", seconds, np.full(11, 0.1), np.full(11, 2.0), marker)
    assert energy_of(found, 5).joules == pytest.approx(0.1 * 2.0 * 0.5 / 5)


def test_a_trace_without_names_and_voltage(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("0,0.01\n1,0.01\n2,0.03\n")
    assert replayed(EnergyOptions(f"trace:{path}", volts=2.0), 1).joules == pytest.approx(0.06)
    with pytest.raises(DataError, match="--volts"):
        read_trace(path)


@pytest.mark.parametrize(
    "text",
    ["", "seconds,amperes,volts\n", "0,1,2\n1,x,2\n", "time,current\n0,1\n1,1\n", "1,1,3\n0,1,3\n",
     "0,nan,3\n1,1,3\n", "0,1,3\n1,1\n"],
)  # fmt: skip
def test_what_is_no_trace_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"bad\.csv"):
        read_trace(path)


def test_a_trace_that_is_not_there() -> None:
    with pytest.raises(DataError, match="absent"):
        replayed(EnergyOptions("trace:absent.csv"), 1)


def test_a_window_without_readings(trace: Path) -> None:
    with pytest.raises(DataError, match="holds 0 readings"):
        replayed(EnergyOptions(f"trace:{trace}", window=(9.0, 10.0)), 1)


def test_an_unknown_meter() -> None:
    with pytest.raises(WrongUse, match="ppk2, joulescope"):
        EnergyOptions("multimeter")


@pytest.mark.parametrize("name", ["ppk2", "joulescope"])
def test_a_library_that_is_absent_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("ppk2_api", "ppk2_api.ppk2_api", "joulescope"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ToolMissing, match=rf"mcu-pipeline\[{name}\]"):
        open_meter(EnergyOptions(name, volts=3.3))


# Stand-ins with the functions of ppk2-api 0.9 and joulescope 1.5 that are used.


class FakePpk2:
    """20 mA for as long as `busy` says so, else 5 mA; D0 low at both ends of that."""

    busy = False
    wired = True

    def __init__(self, port: str, **_: Any) -> None:
        assert port == "/dev/ttyACM7"
        self.mode = ""
        self.vdd = 0
        self._began = 0.0
        self._given = 0
        self._was = False

    @staticmethod
    def list_devices() -> list[str]:
        return ["/dev/ttyACM7"]

    def get_modifiers(self) -> bool:
        return True

    def use_ampere_meter(self) -> None:
        self.mode = "ampere"

    def set_source_voltage(self, millivolts: int) -> None:
        self.vdd = millivolts

    def toggle_DUT_power(self, state: str) -> None:  # noqa: N802 - the library's name
        assert state == "ON"

    def start_measuring(self) -> None:
        assert self.mode == "ampere" and self.vdd == 3000
        self._began = time.monotonic()

    def get_data(self) -> bytes:
        due = int((time.monotonic() - self._began) * 100_000) - self._given
        self._given += due
        return bytes(due)

    def get_samples(self, data: bytes) -> tuple[list[float], list[int]]:
        current = 20_000.0 if FakePpk2.busy else 5_000.0
        high = [1 if FakePpk2.wired else 0] * len(data)
        if FakePpk2.busy != self._was:
            high[0] = 0
        self._was = FakePpk2.busy
        return [current] * len(data), high

    def stop_measuring(self) -> None:
        pass


def busy_bench(seconds: float) -> Callable[[int], None]:
    def bench(count: int) -> None:
        FakePpk2.busy = True
        time.sleep(seconds)
        FakePpk2.busy = False

    return bench


@pytest.mark.parametrize("wired", [True, False])
def test_a_ppk2(monkeypatch: pytest.MonkeyPatch, wired: bool) -> None:
    module = ModuleType("ppk2_api.ppk2_api")
    monkeypatch.setattr(module, "PPK2_API", FakePpk2, raising=False)
    monkeypatch.setitem(sys.modules, "ppk2_api", ModuleType("ppk2_api"))
    monkeypatch.setitem(sys.modules, "ppk2_api.ppk2_api", module)
    monkeypatch.setattr(FakePpk2, "wired", wired)
    meter = open_meter(EnergyOptions("ppk2", volts=3.0))
    found = metered(meter, busy_bench(0.4), 0.02, seconds=0.4)
    assert found.inferences == 20
    assert found.joules == pytest.approx(0.02 * 3.0 * 0.4 / 20, rel=0.2)


def test_a_ppk2_needs_the_voltage() -> None:
    with pytest.raises(DataError, match="--volts"):
        open_meter(EnergyOptions("ppk2"))


class FakeJoulescope:
    def __enter__(self) -> FakeJoulescope:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, contiguous_duration: float) -> np.ndarray:
        time.sleep(contiguous_duration)
        count = int(contiguous_duration * 1000)
        data = np.tile(np.array([[0.01, 3.3]], np.float32), (count, 1))
        data[0] = np.nan
        return data


def test_a_joulescope(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(scan_require_one=lambda config: FakeJoulescope())
    monkeypatch.setitem(sys.modules, "joulescope", library)
    meter = open_meter(EnergyOptions("joulescope"))
    found = metered(meter, lambda count: time.sleep(0.3), 0.1, seconds=0.3)
    assert found.joules == pytest.approx(0.01 * 3.3 * 0.3 / 3, rel=0.1)
    assert found.volts == pytest.approx(3.3)


def test_no_joulescope_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(config: str) -> None:
        raise RuntimeError("no devices found")

    monkeypatch.setitem(sys.modules, "joulescope", SimpleNamespace(scan_require_one=none))
    with pytest.raises(DeviceError, match="no devices found"):
        open_meter(EnergyOptions("joulescope"))


def test_a_meter_that_fails_is_an_error() -> None:
    class Broken:
        def record(self, seconds: float) -> Trace:
            raise OSError("unplugged")

    with pytest.raises(DeviceError, match="unplugged"):
        metered(Broken(), lambda count: None, 0.1, seconds=0.1)
