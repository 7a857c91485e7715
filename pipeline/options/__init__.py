"""The options of a deployment, each said once: default, flags, meaning, allowed values.

Command line, Python signature, pytest plugin, bench, search and docs/options.md come from
here. Importing it is cheap.
"""

from pipeline.options.data import DataOptions
from pipeline.options.deployment import GROUPS, Options
from pipeline.options.engine import ENGINES, OPTIMIZE, EngineOptions
from pipeline.options.option import Group, Option, options_of, refuse_unknown
from pipeline.options.running import PLACES
from pipeline.options.training import SCHEMES, TrainOptions

__all__ = [
    "ENGINES",
    "GROUPS",
    "OPTIMIZE",
    "PLACES",
    "SCHEMES",
    "DataOptions",
    "EngineOptions",
    "Group",
    "Option",
    "Options",
    "TrainOptions",
    "options_of",
    "refuse_unknown",
]
