"""The engine's lab and the random models are those of tests/runtime and tests/runtime_dsp."""

import sys
from pathlib import Path

for folder in ("runtime", "runtime_dsp"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
