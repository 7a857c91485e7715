"""What a model file may ask for. A network for a microcontroller is far below all of these."""

from __future__ import annotations

# Bytes of a file, or of all files of a SavedModel.
FILE = 1 << 30
# Bytes of the configuration, as JSON.
CONFIG = 16 << 20
# What an archive or a compressed data set may hold per byte of the file: real weights shrink
# to a half, pruned ones to a tenth. Small files are let off.
EXPANSION = 20
FREE = 64 << 20
# Things in a file: members of an archive, objects of an HDF5 file, layers.
MEMBERS = 100_000
# Values of one tensor of the network, for one sample.
TENSOR = 1 << 26
# The process that reads a foreign file: bytes of memory, seconds of processor time.
PROCESS_BYTES = 2 << 30
PROCESS_SECONDS = 120


def expanded(file_bytes: int) -> int:
    """Return how many bytes the content of a file of `file_bytes` may take when unpacked."""
    return min(FILE, max(FREE, EXPANSION * file_bytes))
