"""The run folder: artifacts, what they were made from, and the manifest."""

from pipeline.run.decode import Damaged, check_limits, decode, parse_json, read_as, read_json
from pipeline.run.folder import (
    MLPERF,
    STEPS,
    Run,
    digest,
    file_sums,
    is_leftover,
    replaced_folder,
    sha256_file,
    write_atomically,
    write_json,
)
from pipeline.run.inside import inside, is_own_file, read_limited, require_file
from pipeline.run.lock import be_patient, held_locks, locked
from pipeline.run.private import private_folder

__all__ = [
    "MLPERF",
    "STEPS",
    "Damaged",
    "Run",
    "be_patient",
    "check_limits",
    "decode",
    "digest",
    "file_sums",
    "held_locks",
    "inside",
    "is_leftover",
    "is_own_file",
    "locked",
    "parse_json",
    "private_folder",
    "read_as",
    "read_json",
    "read_limited",
    "replaced_folder",
    "require_file",
    "sha256_file",
    "write_atomically",
    "write_json",
]
