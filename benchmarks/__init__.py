"""Measurements, each a module with a C{main}: C{python -m benchmarks NAME}."""
