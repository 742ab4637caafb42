"""What benchmarks/fetch.py measures with."""
