"""KATO: a deterministic sequence memory, served over the network."""

__version__ = "1.0.0"
