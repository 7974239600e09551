"""The tables of a SQLite store, and how older ones become them.

Written so that a person with the C{sqlite3} shell can read all of it: what is not a number or a
name is JSON, but for the components of vectors.  C{.schema} shows what each column holds.
"""

import sqlite3
from collections.abc import Mapping, Sequence

from kato.storage.interface import CannotOpen

APPLICATION_ID = 0x4B41544F
"""C{KATO} in ASCII: by this a file is known as one of ours."""


def _takes_back(event: str, processor: str) -> str:
    """A trigger that takes the token of an index back.  Its C{AND} is what makes it cheap: nothing
    is written but for the first of many changes."""
    name = event.replace(" ", "_").lower()
    return f"""CREATE TRIGGER models_{name} AFTER {event} ON models BEGIN
            UPDATE processors SET index_token = NULL
                WHERE number = {processor} AND index_token IS NOT NULL;
        END"""


TRIGGERS: Mapping[str, str] = {
    "models_insert": _takes_back("INSERT", "NEW.processor"),
    "models_update": _takes_back("UPDATE", "NEW.processor"),
    "models_update_of_processor": _takes_back("UPDATE OF processor", "OLD.processor"),
    "models_delete": _takes_back("DELETE", "OLD.processor"),
}
"""By their names; whoever changes a model, also by hand, sets them off."""

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        """CREATE TABLE processors (
            number INTEGER PRIMARY KEY,  -- what the other tables call it
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            genes TEXT NOT NULL,         -- {"classifier": "CVC", ...}
            interval INTEGER NOT NULL,
            stm_start INTEGER NOT NULL,  -- short-term memory: events.number from here
            stm_end INTEGER NOT NULL,    -- to before this
            emotives TEXT NOT NULL       -- {"joy": [times, sum in units of 2^-1074, in hex]}
        )""",
        """CREATE TABLE percepts (
            processor INTEGER PRIMARY KEY,
            observation TEXT,            -- the last one as accepted, {"strings": [...], ...}
            event TEXT NOT NULL          -- the last event, ["symbol", ...]
        )""",
        """CREATE TABLE models (
            processor INTEGER NOT NULL,
            name TEXT NOT NULL,
            sequence TEXT NOT NULL,      -- its events, [["symbol", ...], ...]
            frequency INTEGER NOT NULL,
            emotives TEXT NOT NULL,      -- the averages of its last learnings, [{"joy": 0.8}, ...]
            UNIQUE (processor, name)
        )""",
        """CREATE TABLE vectors (
            processor INTEGER NOT NULL,
            symbol TEXT NOT NULL,
            components BLOB NOT NULL,    -- each a little-endian float64
            learned INTEGER NOT NULL,    -- 0: it waits for the next learning
            UNIQUE (processor, symbol)
        )""",
        """CREATE TABLE events (
            processor INTEGER NOT NULL,
            number INTEGER NOT NULL,
            event TEXT NOT NULL,         -- ["symbol", ...]
            PRIMARY KEY (processor, number)
        ) WITHOUT ROWID""",
        """CREATE TABLE answers (
            processor INTEGER NOT NULL,
            kind TEXT NOT NULL,          -- observation (key is a unique_id) or request (request id)
            ordinal INTEGER NOT NULL,
            key TEXT NOT NULL,
            digest TEXT NOT NULL,        -- of what was asked
            fields TEXT NOT NULL,        -- {"model_name": "...", ...}
            stm_start INTEGER,           -- the short-term memory that the answer showed
            stm_end INTEGER,
            interval INTEGER NOT NULL,
            time_stamp REAL NOT NULL,
            PRIMARY KEY (processor, kind, ordinal)
        ) WITHOUT ROWID""",
        """CREATE TABLE deletions (
            ordinal INTEGER PRIMARY KEY,
            processor TEXT NOT NULL,     -- the id of a processor that was deleted
            key TEXT NOT NULL,           -- by the request with this id
            digest TEXT NOT NULL,
            fields TEXT NOT NULL,
            interval INTEGER NOT NULL,
            time_stamp REAL NOT NULL
        )""",
    ),
    (
        """ALTER TABLE processors
            ADD COLUMN index_token TEXT  /* of the index beside the database that fits the models */
        """,
        *TRIGGERS.values(),
    ),
    (
        """ALTER TABLE processors
            ADD COLUMN revision INTEGER NOT NULL DEFAULT 0  /* how many operations changed it */
        """,
        """ALTER TABLE processors
            ADD COLUMN accuracy TEXT  /* {"events": 9, "forecast": 8, "top_1": 5, "top_5": 7,
                "marks": "-15x..."}, a mark for each of the last 1,000 events */
        """,
    ),
)
"""The statements that lead from each version to the next, the first from an empty file to 1."""

OF_A_PROCESSOR = ("percepts", "models", "vectors", "events", "answers")
"""The tables whose column C{processor} is a processor's number."""

TABLES = ("processors", *OF_A_PROCESSOR, "deletions")


def known_version(connection: sqlite3.Connection) -> int:
    """The version of a database, 0 of an empty file; nothing is written.

    @raise CannotOpen: where it is not ours, or newer than this program.
    """
    [(application,)] = connection.execute("PRAGMA application_id")
    [(version,)] = connection.execute("PRAGMA user_version")
    [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_master")
    if application != APPLICATION_ID and (application or version or tables):
        raise CannotOpen("it is a database of another program")
    if version > len(MIGRATIONS):
        raise CannotOpen(
            f"it has version {version} and this program knows {len(MIGRATIONS)}: "
            "a newer program made it"
        )
    return int(version)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a database from C{version} to the present one, each step in a transaction of its own.

    @raise sqlite3.Error: where a step fails; closing the connection then takes it back.
    """
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")


def check(connection: sqlite3.Connection) -> None:
    """See that every table is there and can be read.

    @raise sqlite3.Error: where one is not.
    """
    for table in TABLES:
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchall()


def mend(connection: sqlite3.Connection) -> None:
    """Where triggers are gone, as with a table that was made anew by hand, make them again; until
    then nobody has seen what changed, so no index fits.

    @raise sqlite3.Error: where it cannot be done; closing the connection then takes it back.
    """
    standing = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'models'"
    if TRIGGERS.keys() <= {name for (name,) in connection.execute(standing)}:
        return
    connection.execute("BEGIN IMMEDIATE")
    for name, statement in TRIGGERS.items():
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        connection.execute(statement)
    connection.execute("UPDATE processors SET index_token = NULL")
    connection.execute("COMMIT")
