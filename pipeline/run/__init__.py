"""The run folder: artifacts, what they were made from, and the manifest."""

from pipeline.run.folder import (
    MLPERF,
    STEPS,
    Run,
    digest,
    file_sums,
    replaced_folder,
    sha256_file,
    write_atomically,
    write_json,
)

__all__ = [
    "MLPERF",
    "STEPS",
    "Run",
    "digest",
    "file_sums",
    "replaced_folder",
    "sha256_file",
    "write_atomically",
    "write_json",
]
