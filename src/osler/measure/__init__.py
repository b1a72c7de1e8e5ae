"""Metrics with intervals, resampling, tests and multiplicity, in plain numpy."""
