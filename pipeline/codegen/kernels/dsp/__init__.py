"""The dsp set: cores with the DSP extension: Cortex-M4, M7, M33 and above."""

FILES = {
    "dense_any": "dense",
    "dense_bytes": "dense",
    "depthwise_3x3_unpack": "depthwise_3x3",
    "gemm_1px": "gemm",
    "gemm_1px_plain": "gemm",
    "gemm_4px": "gemm",
    "gemm_4px_plain": "gemm",
    "gemm_any": "gemm",
    "requant": "gemm",
    "widen": "conv",
    "winograd4_input": "winograd4",
    "winograd4_output": "winograd4",
    "winograd_product": "winograd",
}
"""C file without a module of its own -> the module that names it."""
