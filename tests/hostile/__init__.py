"""Hostile clients against a live server: see L{tests.hostile.siege}."""
