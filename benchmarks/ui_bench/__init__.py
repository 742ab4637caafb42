"""The parts of `benchmarks/ui.py` that fill a workspace first, one file each."""
