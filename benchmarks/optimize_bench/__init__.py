"""What benchmarks/optimize.py measures."""
