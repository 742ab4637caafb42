"""Fewer bits for an ONNX model's weights and activations: smaller, and faster where the processor takes them."""
