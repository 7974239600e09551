"""Tests of the examples and of their pages."""
