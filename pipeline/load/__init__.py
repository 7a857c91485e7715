"""Any Keras file or .tflite -> Network | FlatModel; data sets.

Importing this package is cheap: TensorFlow comes in only when a Keras file is read.
"""

from pipeline.load.compression import Compression
from pipeline.load.data import load_data, load_split
from pipeline.load.dataset import Dataset, Signature, Split
from pipeline.load.evaluate import evaluate
from pipeline.load.flatmodel import FlatModel
from pipeline.load.model import load_model
from pipeline.load.network import Network, save_network

__all__ = [
    "Compression",
    "Dataset",
    "FlatModel",
    "Network",
    "Signature",
    "Split",
    "evaluate",
    "load_data",
    "load_model",
    "load_split",
    "save_network",
]
