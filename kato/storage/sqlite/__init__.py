"""A store in one SQLite file: the only place that speaks SQL."""

from kato.storage.sqlite.copies import Copied, copy_database, put_in_place
from kato.storage.sqlite.store import SqliteStore

__all__ = ["Copied", "SqliteStore", "copy_database", "put_in_place"]
