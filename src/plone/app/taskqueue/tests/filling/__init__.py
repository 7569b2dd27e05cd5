"""Filling a site with jobs of all states, for tests and for the benchmark."""
