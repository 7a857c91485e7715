"""FlatModel -> C array; the flatbuffer read into a typed Graph."""
