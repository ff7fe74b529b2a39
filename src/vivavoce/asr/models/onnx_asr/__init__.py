"""Models of the library onnx-asr, such as Parakeet: a whole utterance at once, for finals."""
