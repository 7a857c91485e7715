"""Why bars are missed, found by looking into the figures; shown under a task's table."""

from __future__ import annotations

REMARKS: dict[str, str] = {}
