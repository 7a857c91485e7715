"""Many deploys: which compression of a model is best for a board.

Importing this package is cheap: the database and the sampler come in with a search.
"""

from pipeline.search.front import Front, Tried
from pipeline.search.run import found, pick, search
from pipeline.search.settings import Settings

__all__ = [
    "Front",
    "Settings",
    "Tried",
    "found",
    "pick",
    "search",
]
