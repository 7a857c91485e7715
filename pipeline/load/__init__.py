"""Any Keras file or .tflite -> Network | FlatModel; data sets."""
