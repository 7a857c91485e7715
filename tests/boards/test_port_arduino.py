"""The Arduino port against a stand-in for Arduino.h: it compiles, and it counts."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.resources import FIRMWARE

ARDUINO_H = """\
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
struct Stream {
    explicit operator bool() const { return true; }
    void begin(unsigned long) {}
    int available() { return 0; }
    int read() { return -1; }
    void flush() {}
    size_t write(const uint8_t *data, size_t bytes) { return fwrite(data, 1, bytes, stdout); }
};
static Stream Serial;
static uint32_t fake_micros;
static inline uint32_t micros() { return fake_micros; }
static inline uint32_t millis() { return 0; }
"""

MAIN = """\
#include "port_arduino.cpp"
void monitor_start(void) { port_write((const uint8_t *)"m-ready", 7); }
void monitor_poll(void) {}
int main()
{
    setup();
    fake_micros = 0xFFFFFFF0u;
    const uint64_t before = port_ticks();
    fake_micros = 0x10u;
    return port_ticks() - before == 0x20 && port_getc() == -1 ? 0 : 1;
}
"""


def test_the_arduino_port_compiles_and_counts_on(tmp_path: Path) -> None:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed")
    (tmp_path / "Arduino.h").write_text(ARDUINO_H)
    (tmp_path / "main.cpp").write_text(MAIN)
    ports = FIRMWARE / "ports"
    includes = [tmp_path, ports, ports / "arduino", FIRMWARE / "monitor"]
    command = [compiler, "-Wall", "-Wextra", "-Werror", "-DPORT_BAUD=115200u", "-DPORT_CLOCK_HZ=1u"]
    command += [*(f"-I{folder}" for folder in includes), "-o", "main", "main.cpp"]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stdout == b"m-ready"
