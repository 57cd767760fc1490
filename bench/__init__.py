"""Benchmarks: each prints its figure as a ratio against the bare minimum for the same work in the same run."""
