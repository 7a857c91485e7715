"""Project -> Image: pio, toolchains, sizes."""
