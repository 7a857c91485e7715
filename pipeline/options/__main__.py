"""Writes docs/options.md: `python -m pipeline.options docs/options.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.options.page import page
from pipeline.run import write_atomically

if len(sys.argv) != 2:
    sys.exit("usage: python -m pipeline.options docs/options.md")
write_atomically(Path(sys.argv[1]), page())
