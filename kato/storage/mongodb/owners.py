"""Who the services of a database are, and who of them owns which processor, as documents::

    services  {_id: boot, address: "tcp://kato-1:5555", name: "kato-1", beat: 17, leaving: false,
               sessions: [UUID(…)]}
    owners    {_id: processor, service: boot, address: "tcp://kato-1:5555", epoch: 4711}
    epochs    {_id: "last", epoch: 4711}

A service without a document in C{services} is dead, for ever: what it owns is free.  Whoever
changes owners takes a new epoch from the one counter in the same transaction, so two who do it at
the same time run into each other, and epochs rise in the order in which owners change.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pymongo.errors import PyMongoError

from kato.changes import Remembered
from kato.holdings import Fence, Look, Member, Owner, Present
from kato.storage.mongodb import documents
from kato.storage.mongodb.attempts import Attempts, unavailable
from kato.storage.mongodb.connection import LOST, Connection
from kato.storage.mongodb.documents import DELETIONS, PROCESSORS, Fields
from kato.storage.mongodb.opening import SHARING
from kato.storage.mongodb.sessions import Sessions
from kato.storage.shared import MAX_ORPHANS

SERVICES, OWNERS, EPOCHS = SHARING
"""The collections."""

_MANY = 100_000
"""More services than there are at a time, and fewer than would make an answer too large.  If it is
not said, an answer has 101 documents."""

_SAFELY: Fields = {"w": "majority", "j": True}
_LAST: Fields = {"_id": "last"}


class Owners:
    """Reads and changes these documents."""

    def __init__(self, connection: Connection, *, reactor: Any) -> None:
        self._connection = connection
        self.sessions = Sessions(connection, SERVICES)
        self._attempts = Attempts(connection, self.sessions, reactor=reactor)

    # Members

    async def join(self, member: Member) -> None:
        """Write the document of a service; what nobody ever had becomes nobody's."""
        self.sessions.begin(member.boot)
        document = {"address": member.address, "name": member.name, "beat": 0, "leaving": False}
        await self._write(
            {"insert": SERVICES, "documents": [{"_id": member.boot, **document}]},
        )
        stored = await self._ids(PROCESSORS)
        missing = sorted(stored - await self._ids(OWNERS))
        nobody = {"service": None, "address": "", "epoch": 0}
        updates = [
            {"q": {"_id": each}, "u": {"$setOnInsert": nobody}, "upsert": True} for each in missing
        ]
        for first in range(0, len(updates), MAX_ORPHANS):
            await self._write({"update": OWNERS, "updates": updates[first : first + MAX_ORPHANS]})

    async def renew(self, boot: str, leaving: bool) -> bool:
        """Let a beat rise."""
        change = {"$inc": {"beat": 1}, "$set": {"leaving": leaving}}
        done = await self._write(
            {"update": SERVICES, "updates": [{"q": {"_id": boot}, "u": change}]}
        )
        return bool(done["n"])

    async def bury(self, boot: str, beat: int) -> bool:
        """Delete the document of a service that is silent, and end what it had begun: before, since
        nobody else would do it, and after, since it may have begun something meanwhile."""
        found = await self._some(SERVICES, {"_id": boot, "beat": beat})
        keys = [key for each in found for key in each.get("sessions", ())]
        await self._kill(keys)
        buried = bool(found) and await self._delete({"_id": boot, "beat": beat})
        await self._kill(keys)
        return buried

    async def _kill(self, keys: Sequence[Any]) -> None:
        try:
            await self.sessions.kill(keys)
        except (PyMongoError, *LOST) as error:
            raise unavailable(error, outcome_unknown=False) from None

    async def leave(self, boot: str) -> None:
        """Delete the document of a service that ends."""
        await self._delete({"_id": boot})

    async def _delete(self, condition: Fields) -> bool:
        deletes = [{"q": condition, "limit": 1}]
        done = await self._write({"delete": SERVICES, "deletes": deletes})
        return bool(done["n"])

    # Seeing

    async def members(self) -> tuple[Present, ...]:
        """See the services."""
        return tuple(map(_present, await self._all(SERVICES, {})))

    async def look(self) -> Look:
        """See the services, how many each of them owns, and what none of them does."""
        members = await self.members()
        grouped = await self._asked(
            {
                "aggregate": OWNERS,
                "pipeline": [{"$group": {"_id": "$service", "number": {"$sum": 1}}}],
                "cursor": {"batchSize": _MANY},
            }
        )
        found = grouped["cursor"]["firstBatch"]
        counts = {each["_id"]: each["number"] for each in found if each["_id"] is not None}
        boots = [each.member.boot for each in members]
        orphans = await self._some(OWNERS, {"service": {"$nin": boots}})
        return Look(members, counts, tuple(map(_owner, orphans)))

    async def owner(self, processor: str) -> Owner | None:
        """Whose a processor is."""
        found = await self._some(OWNERS, {"_id": processor})
        if found:
            return _owner(found[0])
        stored = await self._some(PROCESSORS, {"_id": processor})
        return Owner(processor, None, "", 0) if stored else None

    async def owned(self, boot: str) -> Mapping[str, int]:
        """What a service owns."""
        return {each["_id"]: each["epoch"] for each in await self._all(OWNERS, {"service": boot})}

    async def deletion(self, processor: str, key: str) -> Remembered | None:
        """The answer of a deletion."""
        found = await self._some(DELETIONS, {"deleted": processor, "key": key})
        return documents.read_deletion(found[0]).request if found else None

    # Changing owners

    async def claim(self, boot: str, wanted: Mapping[str, Owner | None]) -> Mapping[str, int]:
        """Own what belongs to no service, if that is as it was last seen."""

        async def work(session: Any) -> Mapping[str, int]:
            found = await self._some(OWNERS, _among(wanted), session)
            owners = {each["_id"]: _owner(each) for each in found}
            asked = [boot, *{each.boot for each in owners.values() if each.boot is not None}]
            living = {
                each["_id"]: each for each in await self._some(SERVICES, _among(asked), session)
            }
            if boot not in living:
                return {}
            free = [
                each
                for each, known in wanted.items()
                if _is_as_known(owners.get(each), known, living)
            ]
            given = await self._give(free, living[boot], session)
            return {each: owner.epoch for each, owner in given.items()}

        return await self._attempts.transact(work) if wanted else {}

    async def hand_over(self, fence: Fence, to: str | None) -> Mapping[str, Owner]:
        """Have another service own what one owns."""

        async def work(session: Any) -> Mapping[str, Owner]:
            taker: Fields = {"_id": None, "address": ""}
            if to is not None:
                living = await self._some(SERVICES, {"_id": to}, session)
                if not living:
                    return {}
                taker = living[0]
            return await self._give(await self._still(fence, session), taker, session)

        return await self._attempts.transact(work) if fence.epochs else {}

    async def disown(self, fence: Fence) -> None:
        """Forget the owner of what is not stored."""

        async def work(session: Any) -> None:
            still = await self._still(fence, session)
            stored = {each["_id"] for each in await self._some(PROCESSORS, _among(still), session)}
            deletes = [{"q": {"_id": each}, "limit": 1} for each in still if each not in stored]
            if deletes:
                await self._connection.command({"delete": OWNERS, "deletes": deletes}, session)

        await self._attempts.transact(work)

    async def _still(self, fence: Fence, session: Any) -> list[str]:
        """What is still a service's under its epochs."""
        mine = {**_among(fence.epochs), "service": fence.boot}
        found = await self._some(OWNERS, mine, session)
        return [each["_id"] for each in found if each["epoch"] == fence.epochs[each["_id"]]]

    async def _give(
        self, processors: Collection[str], taker: Fields, session: Any
    ) -> Mapping[str, Owner]:
        """Write owners under new epochs."""
        if not processors:
            return {}
        counted = await self._connection.command(
            {
                "findAndModify": EPOCHS,
                "query": _LAST,
                "update": {"$inc": {"epoch": len(processors)}},
                "upsert": True,
                "new": True,
            },
            session,
        )
        first = counted["value"]["epoch"] - len(processors) + 1
        boot, address = taker["_id"], taker["address"]
        given = {
            each: Owner(each, boot, address, first + number)
            for number, each in enumerate(processors)
        }
        updates = [_replacing(each) for each in given.values()]
        await self._connection.command({"update": OWNERS, "updates": updates}, session)
        return given

    # The documents

    async def _ids(self, collection: str) -> set[str]:
        return {each["_id"] for each in await self._all(collection, {}, ("_id",))}

    async def _all(
        self, collection: str, condition: Fields, fields: tuple[str, ...] = ()
    ) -> list[Fields]:
        batches = self._connection.find(collection, condition, fields=fields)
        found: list[Fields] = []
        try:
            while batch := await batches.next():
                found += batch
        except (PyMongoError, *LOST) as error:
            raise unavailable(error, outcome_unknown=False) from None
        return found

    async def _some(self, collection: str, condition: Fields, session: Any = None) -> list[Fields]:
        """The first documents that fit, in the order of their ids."""
        find = {
            "find": collection,
            "filter": condition,
            "sort": {"_id": 1},
            "limit": MAX_ORPHANS,
            "batchSize": MAX_ORPHANS,
        }
        if session is not None:
            done = await self._connection.command(find, session)
        else:
            done = await self._asked(find)
        found: list[Fields] = done["cursor"]["firstBatch"]
        return found

    async def _asked(self, command: Fields) -> Fields:
        try:
            return await self._connection.command(command)
        except (PyMongoError, *LOST) as error:
            raise unavailable(error, outcome_unknown=False) from None

    async def _write(self, command: Fields) -> Fields:
        try:
            return await self._connection.command({**command, "writeConcern": _SAFELY})
        except (PyMongoError, *LOST) as error:
            raise unavailable(error, outcome_unknown=True) from None


def _among(keys: Iterable[str]) -> Fields:
    return {"_id": {"$in": list(keys)}}


def _is_as_known(owner: Owner | None, known: Owner | None, living: Collection[str]) -> bool:
    """Whether a processor is still whose it was, and that is nobody who lives."""
    epoch = 0 if owner is None else owner.epoch
    if epoch != (0 if known is None else known.epoch):
        return False
    return owner is None or owner.boot is None or owner.boot not in living


def _replacing(owner: Owner) -> Fields:
    document = {"service": owner.boot, "address": owner.address, "epoch": owner.epoch}
    return {
        "q": {"_id": owner.processor},
        "u": {"_id": owner.processor, **document},
        "upsert": True,
    }


def _present(found: Fields) -> Present:
    member = Member(found["_id"], found["address"], found["name"])
    return Present(member, found["beat"], found["leaving"])


def _owner(found: Fields) -> Owner:
    return Owner(found["_id"], found["service"], found["address"], found["epoch"])
