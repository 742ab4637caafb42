"""The gRPC door: the Open Inference Protocol V2 and what gRPC's tools expect of a server. Imported only where a service
has a gRPC port, since grpcio takes memory."""
