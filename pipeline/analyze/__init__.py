"""What a model will take on a board, before anything is built."""

from pipeline.analyze.analysis import Analysis, Block, LayerEstimate
from pipeline.analyze.analyze import analyze

__all__ = ["Analysis", "Block", "LayerEstimate", "analyze"]
