"""The parts of benchmarks/profiling.py, one file each: a function that gives its figures by name."""
