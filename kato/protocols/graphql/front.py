"""GraphQL as the rest of the house sees it: requests of HTTP answered, and what a WebSocket is told
made operations."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.defects import judged
from kato.errors import KatoError
from kato.gate import Bearer
from kato.intake import Intake
from kato.ledger import Ledger
from kato.origin import Origin
from kato.protocols.graphql.documents import Documents, Malformed, tried
from kato.protocols.graphql.executing import make_executor
from kato.protocols.graphql.http import Answer, Headers, Media, media, read_body, read_query
from kato.protocols.graphql.operation import Operation
from kato.protocols.graphql.requests import Asked
from kato.protocols.graphql.room import Holding, Room
from kato.protocols.graphql.schema import make_schema
from kato.protocols.graphql.telling import Result, refused, refused_whole
from kato.protocols.graphql.weight import Scales, Weight
from kato.threads import InThread

TRANSPORT = "graphql"

LONG_BODY = 32 * 1024
"""A body of more bytes than this may take milliseconds to read, and is read in a thread."""

LONG_DOCUMENT = 4096
"""A document of more characters than this takes much room while it is carried out."""

LONG = 300
"""What costs more than this is executed in a thread: it may take milliseconds."""


class Graphql:
    """Answers documents."""

    log = Logger()

    def __init__(
        self,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        intake: Intake,
        ledger: Ledger,
        most: Weight,
    ) -> None:
        """
        @param in_thread: calls a function off the reactor.
        @param intake: reads what is long.
        @param ledger: is told of each command that was answered.
        @param most: how deep a document may go, and what it may cost.
        """
        self._in_thread = in_thread
        self._clock = clock
        self._intake = intake
        self._ledger = ledger
        self._most = most
        self._documents = Documents()
        self.room = Room(intake.limits.values)
        make_schema()

    # HTTP

    def answer(
        self,
        method: bytes,
        query: Mapping[str, str],
        body: bytes,
        headers: Headers,
        *,
        bearer: Bearer,
        origin: Origin,
        finished: "Deferred[Any]",
    ) -> "Deferred[tuple[int, Result, bytes]]":
        """Answer a request, whatever it says: the status, what the body says, and the headers that
        say what it is, each with its line end.

        @param query: what its address says.
        @param bearer: who asks.
        @param origin: where it came in.
        @param finished: fires when the answer was sent, or nobody waits for it any more.
        """
        answering: Deferred[tuple[int, Result, bytes]] = Deferred.fromCoroutine(
            self._answer(method, query, body, headers, bearer, origin, finished)
        )
        return answering.addErrback(self._refuse, media(headers))

    async def _answer(
        self,
        method: bytes,
        query: Mapping[str, str],
        body: bytes,
        headers: Headers,
        bearer: Bearer,
        origin: Origin,
        finished: "Deferred[Any]",
    ) -> Answer:
        says = media(headers)
        asked = await self._read(method, query, body, headers)
        is_long = len(asked.query) > LONG_DOCUMENT
        client = self.room.client(bearer.whose(origin.client)) if is_long else None
        async with nullcontext() if client is None else client.documents:
            prepared = await self._prepare(asked, long=len(body) > LONG_BODY)
            if not isinstance(prepared, Operation):
                return Answer.malformed(prepared, says)
            if prepared.subscribes:
                return Answer.elsewhere(says)
            if prepared.changes and method != b"POST":
                return Answer.by_post(says)
            origin = replace(origin, transport=TRANSPORT)
            try:
                return Answer.well(await prepared.carry_out(bearer, origin), says)
            finally:
                finished.addBoth(partial(_released, prepared.holding))

    async def _read(
        self, method: bytes, query: Mapping[str, str], body: bytes, headers: Headers
    ) -> Asked:
        if method != b"POST":
            return read_query(query)
        read_it = partial(read_body, body, headers, self._intake.limits.values)
        if len(body) <= LONG_BODY:
            return read_it()
        asked: Asked = await self._intake.read(len(body), read_it)
        return asked

    def _refuse(self, failure: Failure, says: Media) -> Answer:
        return Answer.refused(judged(failure, self.log, "GraphQL"), says)

    # Documents

    async def _prepare(self, asked: Asked, *, long: bool) -> Operation | Result:
        """What is to be done; or C{errors}: why it cannot be.

        @param long: whether much was sent.
        """
        try:
            document = self._documents.find(asked.query)
            if document is None:
                document = await self._in_thread(partial(tried, asked.query))
                if isinstance(document, Malformed):
                    return refused(document.errors, self.log)
                self._documents.keep(asked.query, document)
            make = partial(make_executor, document, asked.variables, asked.operation)
            executor = await self._in_thread(make) if long else make()
            if isinstance(executor, list):
                raise Malformed(executor)
            weight = Scales(executor).weigh()
            weight.check(self._most)
        except Malformed as malformed:
            return refused(malformed.errors, self.log)
        except KatoError as error:
            return refused_whole(error)
        introspects = "__schema" in asked.query or "__type" in asked.query
        return Operation(
            executor,
            limits=self._intake.limits,
            room=self.room,
            in_thread=self._in_thread,
            ledger=self._ledger,
            clock=self._clock,
            long=long or introspects or weight.cost > LONG,
        )

    # WebSocket

    async def operation(self, payload: object, *, long: bool) -> Operation | list[Any]:
        """What a client of a WebSocket wants; or why that cannot be, as errors.

        @param payload: a request as HTTP has it.
        @param long: whether much was sent.
        @raise InvalidRequest: where it is no request.
        """
        prepared = await self._prepare(Asked.parse(payload), long=long)
        return prepared if isinstance(prepared, Operation) else list(prepared["errors"])

    def errors(self, error: KatoError) -> list[Any]:
        """An error as a client of a WebSocket is told it."""
        return list(refused_whole(error)["errors"])


def _released(holding: Holding | None, finished: object) -> None:
    """An answer was sent; until then nothing is kept of the document but how long it is."""
    if holding is not None:
        holding.release()
