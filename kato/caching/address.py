"""C{redis://[[user]:password@]host[:port][/db]}: what an operator writes, and what is shown."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

PORT = 6379
"""Where Redis listens, if nothing else is said."""


class BadAddress(Exception):
    """It names no cache; the text repeats no password."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis is, and who asks it."""

    host: str
    port: int
    database: int | None
    user: str | None
    password: str | None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        database = "" if self.database is None else f"/{self.database}"
        return f"redis://{host}:{self.port}{database}"

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Take a URL as other programs that use Redis do.

        @raise BadAddress: where it names none.
        """
        shown = re.sub(r"//.*@", "//…@", url, flags=re.DOTALL)
        try:
            split = urlsplit(url)
            port = PORT if split.port is None else split.port
        except ValueError:
            raise BadAddress(f"{shown}: expected redis://host:port/database") from None
        if split.scheme != "redis" or not split.hostname or split.query or split.fragment:
            raise BadAddress(f"{shown}: expected redis://[user:password@]host:port/database")
        if not port:
            raise BadAddress(f"{shown}: there is no port 0")
        user, password = _who(split, shown)
        return cls(split.hostname, port, _database(split.path, shown), user, password)


def _who(split: SplitResult, shown: str) -> tuple[str | None, str | None]:
    user, password = unquote(split.username or ""), unquote(split.password or "")
    if user and not password:
        raise BadAddress(f"{shown}: a user without a password; write user:password@ or :password@")
    return user or None, password or None


def _database(path: str, shown: str) -> int | None:
    name = path.removeprefix("/")
    if not name:
        return None
    if not (name.isascii() and name.isdecimal()) or len(name) > 6:
        raise BadAddress(f"{shown}: expected the number of a database, got {name!r}")
    return int(name)
