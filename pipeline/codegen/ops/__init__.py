"""One module per operator (or family) of the aot engine."""
