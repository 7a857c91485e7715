"""What a network means: each op by the reference that is right about it.

TFLite Micro runs whatever it is right about; LiteRT's reference kernels, or an operator's
definition, stand in for the ops that pipeline/codegen/references.py names.
"""

from pipeline.measure.truth.plan import Ruling, Step, plan, rulings

__all__ = ["Ruling", "Step", "plan", "rulings"]
