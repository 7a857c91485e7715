"""Fuzzers of everything that comes from outside: `python -m tests.fuzz KIND --seconds 60`.

A kind is a module here with two functions:

    make_case(rng: random.Random) -> bytes    a mutant; the same rng gives the same bytes
    try_case(case: bytes) -> None             returns, or raises an error of pipeline.errors

`runner.run` does the rest: workers, limits, and keeping what failed.
"""
