"""The sessions of a service's transactions, told in its document, so that who buries it can end
what it had begun: else its processors would be in a transaction's hands for a minute."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from bson.binary import Binary

from kato.storage.mongodb.connection import Connection
from kato.storage.mongodb.documents import Fields


class Sessions:
    """Those of one service."""

    def __init__(self, connection: Connection, services: str) -> None:
        """@param services: the collection of their documents."""
        self._connection = connection
        self._services = services
        self._boot: str | None = None
        self._told: set[bytes] = set()

    def begin(self, boot: str) -> None:
        """The service has another document from now on."""
        self._boot, self._told = boot, set()

    async def tell(self, session: Any) -> None:
        """See that a session is known, before anything is done in it."""
        key = Binary.from_uuid(session.session_id["id"])
        if self._boot is None or key in self._told:
            return
        change = {"q": {"_id": self._boot}, "u": {"$addToSet": {"sessions": key}}}
        await self._connection.command({"update": self._services, "updates": [change]})
        self._told.add(key)

    async def kill(self, keys: Sequence[Any]) -> None:
        """End what another service has begun."""
        if keys:
            listed: list[Fields] = [{"id": _binary(each)} for each in keys]
            await self._connection.command({"killSessions": listed})


def _binary(key: Any) -> Binary:
    """A session's key as it goes over the wire, however it was read."""
    return Binary.from_uuid(key) if isinstance(key, UUID) else key
