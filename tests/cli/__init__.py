"""Tests of the program C{kato}."""
