"""Many deploys: what a model will take, and which compression of it is best for a board.

Importing this package is cheap: the database and the sampler come in with a search.
"""

from pipeline.search.analysis import Analysis, Block, LayerEstimate
from pipeline.search.analyze import analyze
from pipeline.search.front import Front, Tried
from pipeline.search.run import found, pick, search
from pipeline.search.settings import Settings

__all__ = [
    "Analysis",
    "Block",
    "Front",
    "LayerEstimate",
    "Settings",
    "Tried",
    "analyze",
    "found",
    "pick",
    "search",
]
