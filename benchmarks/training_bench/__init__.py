"""What benchmarks/training.py measures and what it measures against."""
