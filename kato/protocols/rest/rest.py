"""Requests answered: an intent becomes a command, a reply becomes JSON (SPEC 8 and 9)."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Cooperator
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.codec import PART, encode_json
from kato.commands import Command, Reply
from kato.defects import judged
from kato.errors import InternalError, KatoError, ProcessorUnavailable
from kato.protocols.rest.access import Access
from kato.protocols.rest.answers import (
    error_body,
    extra_headers,
    is_small,
    slices,
)
from kato.protocols.rest.compression import FROM, GZIP, VARIES, gzipped
from kato.protocols.rest.intent import Head, Intent, judge
from kato.protocols.rest.routes import Page, named_processor

if TYPE_CHECKING:
    from kato.protocols.rest.request import RestRequest

LONG_BODY = 32 * 1024
"""A body of more bytes than this may take milliseconds to read, and is read in a thread."""

InThread = Callable[[Callable[[], Any]], "Deferred[Any]"]
"""Calls a function off the reactor; fires with what it returns."""


class Asks(Protocol):
    """Who carries out commands: L{kato.dispatch.Dispatch}."""

    def ask(self, command: Command) -> "Deferred[Reply]":
        """Carry out a command; fails with L{KatoError} alone."""


class Rest:
    """Answers requests."""

    log = Logger()

    def __init__(
        self,
        asks: Asks,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        access: Access,
        statistics: Callable[[], dict[str, Any]],
        ready: Callable[[], bool],
    ) -> None:
        """@param statistics: what C{/stats} tells."""
        self._asks = asks
        self._clock = clock
        self._in_thread = in_thread
        self._access = access
        self._statistics = statistics
        self._ready = ready
        self._cooperator = Cooperator(
            terminationPredicateFactory=lambda: lambda: True,
            scheduler=partial(clock.callLater, 0),
        )

    def judge(self, head: Head) -> Intent | KatoError:
        """Judge the head of a request: what it asks for, or why it is refused."""
        try:
            return judge(head, self._access)
        except KatoError as error:
            return error
        except Exception:
            return judged(Failure(), self.log, "REST")

    def serve(self, request: "RestRequest") -> None:
        """Answer a request that is there whole."""
        try:
            self._serve(request)
        except Exception:
            self._fail(Failure(), request)

    def _serve(self, request: "RestRequest") -> None:
        intent = request.intent
        if not isinstance(intent, Intent):
            self._refuse(intent or InternalError("internal error"), request)
        elif intent.page is not None:
            intent.parameters(request.body)
            self._reply_page(intent.page, request)
        else:
            answer = self._ask(intent, request.body)
            answer.addCallback(self._reply, request).addErrback(self._fail, request)

    def _ask(self, intent: Intent, body: bytes) -> "Deferred[Reply]":
        if len(body) <= LONG_BODY:
            return self._asks.ask(intent.command(body))
        return self._in_thread(partial(intent.command, body)).addCallback(self._asks.ask)

    def _reply_page(self, page: Page, request: "RestRequest") -> None:
        fields: dict[str, Any] = {}
        if page is Page.READY and not self._ready():
            raise ProcessorUnavailable("the server is loading or stopping", retry_after=1)
        if page is Page.STATISTICS:
            fields = self._statistics()
        self._reply(Reply(page.value, self._clock.seconds(), fields), request)

    def _reply(self, reply: Reply, request: "RestRequest") -> None:
        """Send a reply; a large one is encoded bit by bit, others going on between."""
        status = 201 if reply.fields.get("created") is True else 200
        answer = reply.as_dict()
        if is_small(answer):
            self._send(status, [encode_json(answer)], request)
            return
        rest = slices(answer)
        first = next(rest)
        if len(first) < PART:
            self._send(status, [first], request)
        else:
            encoding = self._cooperator.cooperate(self._encode([first], rest, status, request))
            encoding.whenDone().addErrback(self._fail, request)

    def _encode(
        self, parts: list[bytes], rest: Iterator[bytes], status: int, request: "RestRequest"
    ) -> Iterator[None]:
        for part in rest:
            parts.append(part)
            yield None
            if request.gone:
                return
        self._send(status, parts, request)

    def _send(self, status: int, parts: Sequence[bytes], request: "RestRequest") -> None:
        """Send an answer that is written; a large one compressed where that is asked for."""
        if sum(map(len, parts)) < FROM:
            request.answer(status, parts)
        elif not request.accepts_gzip:
            request.answer(status, parts, VARIES)
        else:
            compressing = self._in_thread(partial(gzipped, parts))
            compressing.addCallback(lambda made: request.answer(status, made, GZIP))
            compressing.addErrback(self._fail, request)

    def _fail(self, failure: Failure, request: "RestRequest") -> None:
        self._refuse(judged(failure, self.log, "REST"), request)

    def _refuse(self, error: KatoError, request: "RestRequest") -> None:
        body = error_body(
            error, time_stamp=self._clock.seconds(), processor=named_processor(request.uri)
        )
        request.answer(error.http_status, [body], extra_headers(error))
