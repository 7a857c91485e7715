"""From a Keras model to a measured microcontroller."""
