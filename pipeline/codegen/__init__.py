"""Graph -> Program: the ahead-of-time engine's C."""
