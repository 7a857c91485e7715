"""What a report takes over from the program."""

from __future__ import annotations

from pipeline.report.assemble import saved_by_passes


def test_what_graph_passes_saved() -> None:
    channels = {
        "name": "channels",
        "macs": 4_000,
        "constant_bytes": 120,
        "tensor_bytes": 0,
        "ops": 0,
    }
    moves = {"name": "moves", "macs": 0, "constant_bytes": -3, "tensor_bytes": 0, "ops": 0}
    assert saved_by_passes({"passes": [channels, moves]}) == (
        "channels: 4,000 MACs, 120 bytes of constants; moves: nothing by itself"
    )


def test_a_program_of_another_engine_has_none() -> None:
    assert saved_by_passes({"passes": []}) == ""
    assert saved_by_passes({}) == ""
