"""The scalar set: cores without SIMD: Cortex-M3, Cortex-M0 and M0+, RV32IM."""

FILES = {
    "gemm_1px_blocks": "conv",
    "gemm_1px_lanes": "conv",
    "gemm_1px_wide": "conv",
    "gemm_4px_lanes": "conv",
    "gemm_4px_wide": "conv",
    "patch": "conv",
    "requant": "conv",
}
"""C file without a module of its own -> the module that names it."""
