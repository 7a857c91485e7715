"""The engine's lab and the random models are those of tests/runtime."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))
