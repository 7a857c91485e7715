"""From a Keras model to a measured microcontroller.

from pipeline import deploy

done = deploy("kws.tflite", board="disco_f407vg", data="kws.npz", samples=20)
print(done.report.accuracy.device, done.report.latency.median)
"""

from pipeline.deploy import Deployment, deploy
from pipeline.errors import McuError
from pipeline.resources import VERSION

__version__ = VERSION

__all__ = ["Deployment", "McuError", "deploy"]
