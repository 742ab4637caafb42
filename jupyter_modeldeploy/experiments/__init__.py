"""Judging versions: on held-out data, and against each other on traffic, each figure with its interval."""
