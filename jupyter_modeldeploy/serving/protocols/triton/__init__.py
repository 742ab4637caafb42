"""Triton's extensions of the Open Inference Protocol V2, as its clients use them. Each module is one of them; none
knows whether it is asked over HTTP or gRPC."""
