"""Processors from one store to another through a file, and copies of a SQLite store while it is in
use: C{python -m kato.moving}."""
