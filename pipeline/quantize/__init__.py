"""Network -> FlatModel: full-integer .tflite."""
