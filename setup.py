"""Finds the packages; pyproject.toml says all the rest."""

from setuptools import find_packages, setup

# firmware/ and boards/ have no Python: one package each, with all its files.
setup(
    packages=[
        *find_packages(include=["pipeline", "pipeline.*"]),
        "pipeline.firmware",
        "pipeline.boards",
    ]
)
