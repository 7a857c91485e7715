"""Network -> Network: fewer weights, fewer neurons, and fine-tuning to make up for it."""

from pipeline.prune.apply import check_options, prune
from pipeline.prune.recipe import Cluster, Magnitude, Neurons, Recipe, parse_recipe

__all__ = ["Cluster", "Magnitude", "Neurons", "Recipe", "check_options", "parse_recipe", "prune"]
