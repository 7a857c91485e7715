"""Kinds of model files, as `Network.source_format` and `sniff` name them."""

from __future__ import annotations

TFLITE, KERAS3, KERAS3_H5, KERAS2, KERAS2_H5, SAVEDMODEL = (
    "tflite",
    "keras3",
    "keras3-h5",
    "keras2",
    "keras2-h5",
    "savedmodel",
)
