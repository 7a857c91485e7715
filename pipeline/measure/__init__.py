"""Device -> Measurement: the link, the monitor, latency, accuracy, memory."""

from pipeline.measure.link import Link
from pipeline.measure.measurement import Accuracy, Latency, LayerCost, Measurement, Memory
from pipeline.measure.measuring import measure
from pipeline.measure.monitor import Monitor
from pipeline.measure.session import Session
from pipeline.measure.store import load_measurement, save_measurement

__all__ = [
    "Accuracy",
    "Latency",
    "LayerCost",
    "Link",
    "Measurement",
    "Memory",
    "Monitor",
    "Session",
    "load_measurement",
    "measure",
    "save_measurement",
]
