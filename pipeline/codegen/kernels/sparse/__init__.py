"""The sparse set: weights stored without their zeros, or with few values, on every core."""

FILES = {
    "bitmap": "conv",
    "codes4": "conv",
    "delta4": "conv",
    "delta8": "conv",
    "wide_bitmap": "wide_conv",
    "wide_codes4": "wide_conv",
    "wide_delta4": "wide_conv",
    "wide_delta8": "wide_conv",
}
"""C file without a module of its own -> the module that names it."""
