"""What conv.py and fully_connected.py hand to the tiles of dsp/gemm.h."""

from __future__ import annotations

from typing import Any

from pipeline.codegen.kernels.dsp.pack import (
    Scales,
    Stream,
    scale_constant,
)
from pipeline.codegen.kernels.kernel import Constant, Site


def gemm_fields(
    site: Site, stream: Stream, scales: Scales, channels: int, four: bool = True
) -> dict[str, Any]:
    """Fields of dsp_gemm_t, with the tiles of `gemm_files`."""
    plain = "" if stream.fused else "_plain"
    return {
        "tile_4px": f"dsp_gemm_4px{plain}" if four else "NULL",
        "tile_1px": f"dsp_gemm_1px{plain}",
        "stream": site.constant("stream"),
        "scales": f"(const dsp_scale_t *){site.constant('scales')}",
        "output": scales.output,
        "k_pairs": stream.k_pairs,
        "channels": channels,
        "stride": channels,
        "fused": stream.fused,
    }


def gemm_files(stream: Stream, four: bool = True) -> tuple[str, ...]:
    """The tiles' files. four: those for four pixels too."""
    plain = "" if stream.fused else "_plain"
    one = ("dsp/requant.c", "dsp/gemm_any.c", f"dsp/gemm_1px{plain}.c")
    return (*one, f"dsp/gemm_4px{plain}.c") if four else one


def gemm_constants(stream: Stream, scales: Scales) -> tuple[Constant, ...]:
    """The two arrays a dsp_gemm_t points to."""
    layout = "fused" if stream.fused else "plain"
    return (
        Constant(
            "stream", "int32_t", stream.words, note=f"gemm.h, {layout}: start values, weights"
        ),
        scale_constant(scales),
    )
