"""C{mongodb://…/database}: what an operator writes, and what of it may be shown."""

import re
from dataclasses import dataclass
from typing import Any

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from kato.storage.interface import CannotOpen

_SECONDS = 10
"""How long a start looks for a server, where the address does not say."""

_SCHEMES = ("mongodb://", "mongodb+srv://")
_NAME = re.compile(r"[^/\\. \"$*<>:|?\0]{1,63}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is."""

    url: str
    """With user and password: for the libraries alone."""
    database: str
    shown: str
    """For logs, errors and people."""

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    @classmethod
    def parse(cls, url: str, option: str = "--storage") -> "Address":
        """Take a URL as MongoDB's own programs do; that it names a database is our own rule.

        @param option: by which it was given.
        @raise CannotOpen: in one line, which repeats no password.
        """
        if not url.startswith(_SCHEMES):
            told = re.sub(r".*@", "…@", url, flags=re.DOTALL)
            raise CannotOpen(f"{option} {told}: expected mongodb://host/database")
        try:
            parsed = parse_uri(url)
        except (PyMongoError, ValueError):  # they may repeat what stands beside the password
            raise CannotOpen(
                f"{option} mongodb: MongoDB's driver does not understand it"
                " (are user and password percent-encoded?)"
            ) from None
        hosts = ",".join(_host(*each) for each in parsed["nodelist"])
        database = parsed["database"]
        shown = f"mongodb://{hosts}/{database or ''}"
        _judge(f"{option} {shown}", parsed)
        return cls(url, database, shown)


def _judge(told: str, parsed: Any) -> None:
    database = parsed["database"]
    if not database:
        raise CannotOpen(f"{told}: it names no database; write {told.partition(' ')[2]}kato")
    if not _NAME.fullmatch(database) or parsed["collection"]:
        raise CannotOpen(f"{told}: this can be the name of no database")
    preference = _options(parsed).get("readpreference", "primary")
    if str(preference).lower() != "primary":
        raise CannotOpen(f"{told}: a readPreference other than primary is not meant")
    if _options(parsed).get("tls"):
        raise CannotOpen(f"{told}: TLS to MongoDB is not supported yet")


def _options(parsed: Any) -> dict[str, Any]:
    return {name.lower(): value for name, value in parsed["options"].items()}


def _host(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"


def selection_milliseconds(url: str) -> int:
    """How long a start looks for a server."""
    given = _options(parse_uri(url)).get("serverselectiontimeoutms")
    return _SECONDS * 1000 if given is None else int(given)
