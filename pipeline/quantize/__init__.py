"""Network -> FlatModel: full-integer quantisation, after training or during it."""

from pipeline.quantize.aware import quantize_aware
from pipeline.quantize.host import evaluate_flat, run_flat
from pipeline.quantize.post import SCHEMES, Scheme, quantize

__all__ = ["SCHEMES", "Scheme", "evaluate_flat", "quantize", "quantize_aware", "run_flat"]
