"""Makes the model builder and the host-side engine of tests/runtime importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
