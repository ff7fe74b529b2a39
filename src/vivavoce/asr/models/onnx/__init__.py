"""ONNX Runtime and ONNX files: running models, writing graphs, caching them."""
