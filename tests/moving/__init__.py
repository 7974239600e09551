"""Processors from store to store, and copies."""
