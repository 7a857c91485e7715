"""The mve set: cores with Helium, the M-profile vector extension: Cortex-M55, M85."""

FILES = {
    "dense_any": "dense",
    "dense_floor": "dense",
    "dense_sign": "dense",
    "depthwise_any": "depthwise",
    "depthwise_chunks_any": "depthwise",
    "depthwise_chunks_floor": "depthwise",
    "depthwise_chunks_sign": "depthwise",
    "depthwise_floor": "depthwise",
    "depthwise_sign": "depthwise",
    "gemm_any": "conv",
    "gemm_floor": "conv",
    "gemm_sign": "conv",
}
"""C file without a module of its own -> the module that names it."""
