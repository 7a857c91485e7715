"""What the figures don't say by themselves; shown under a task's table."""

from __future__ import annotations

REMARKS: dict[str, str] = {
    "digits": """
One of the 359 test samples is 0.3 points.
""",
}
