"""The parts of `benchmarks/serving.py`.

What measures imports none of the libraries that the servers use: pages of a library that several processes map count
for each in part, so a driver with NumPy or ONNX Runtime of its own would make a server's memory look smaller. What
needs them (`models`, `limit`, `grpc_call`) runs in processes of its own."""
