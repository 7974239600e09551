"""A store in one SQLite file: the only place that speaks SQL."""

from kato.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
