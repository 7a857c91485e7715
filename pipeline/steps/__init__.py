"""Each step of the chain on a run folder: what it reads, what it leaves, when it is reused.

The rooms work on values; the steps tie them to files, so that a step can be taken alone from
the artifact of the one before, and is not run again while its inputs are the same: `Run.step`
compares the key that the step's module makes. One module a step; importing them is cheap.
"""

from pipeline.steps.build import build
from pipeline.steps.convert import convert
from pipeline.steps.flash import flash
from pipeline.steps.measure import measure
from pipeline.steps.prune import prune
from pipeline.steps.quantize import flat_model, quantize
from pipeline.steps.render import render
from pipeline.steps.report import report

__all__ = [
    "build",
    "convert",
    "flash",
    "flat_model",
    "measure",
    "prune",
    "quantize",
    "render",
    "report",
]
