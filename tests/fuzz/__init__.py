"""Parsers under arbitrary bytes: see L{tests.fuzz.__main__}."""
