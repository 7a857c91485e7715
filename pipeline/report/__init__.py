"""Measurement -> report.json and what people read."""
