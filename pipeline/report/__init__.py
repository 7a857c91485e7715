"""Measurement -> report.json and what people read."""

from pipeline.report.assemble import assemble
from pipeline.report.document import Report, read_report

__all__ = ["Report", "assemble", "read_report"]
