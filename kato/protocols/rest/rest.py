"""Requests answered: an intent becomes a command, a reply becomes JSON (SPEC 8 and 9)."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Cooperator
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.codec import PART, encode_json, is_small
from kato.commands import Command, Reply
from kato.defects import judged
from kato.errors import (
    InternalError,
    InvalidRequest,
    KatoError,
    ProcessorUnavailable,
    Unauthorized,
    UnknownOperation,
)
from kato.fields import shown
from kato.gate import Bearer, Gate
from kato.intake import Intake
from kato.keeper import WrongKey
from kato.protocols.rest.access import Access, Headers
from kato.protocols.rest.answers import (
    JSON,
    NO_CONTENT,
    error_body,
    extra_headers,
    slices,
)
from kato.protocols.rest.assets import Assets
from kato.protocols.rest.browsers import accepts_html, asks_for_stream, preflight
from kato.protocols.rest.compression import FROM, GZIP, VARIES, gzipped
from kato.protocols.rest.handed_in import (
    AcceptsStreams,
    AnswersDocuments,
    TellsMetrics,
)
from kato.protocols.rest.intent import Head, Intent, Seen, judge
from kato.protocols.rest.routes import Page, methods_at, named_processor
from kato.protocols.rest.target import parse_target
from kato.threads import InThread

if TYPE_CHECKING:
    from kato.protocols.rest.request import RestRequest

LONG_BODY = 32 * 1024
"""A body of more bytes than this may take milliseconds to read, and is read in a thread."""


class Rest:
    """Answers requests."""

    log = Logger()

    def __init__(
        self,
        gate: Gate,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        intake: Intake,
        access: Access,
        streams: AcceptsStreams,
        assets: Assets,
        statistics: Callable[[], dict[str, Any]],
        ready: Callable[[], bool],
        metrics: TellsMetrics | None,
        graphql: AnswersDocuments | None,
        pages: frozenset[Page] | None,
    ) -> None:
        """
        @param intake: reads what is long.
        @param statistics: what C{/stats} tells.
        @param metrics: writes C{/metrics}; C{None}: there is none.
        @param graphql: answers C{/graphql}; C{None}: there is none.
        @param pages: all that is there; C{None}: all that there is.
        """
        self.gate = gate
        self._clock = clock
        self._in_thread = in_thread
        self.intake = intake
        self._access = access
        self._streams = streams
        self._assets = assets
        self._statistics = statistics
        self._ready = ready
        self._metrics = metrics
        self._graphql = graphql
        self._pages = pages
        self._cooperator = Cooperator(
            terminationPredicateFactory=lambda: lambda: True,
            scheduler=partial(clock.callLater, 0),
        )

    @property
    def asks_key(self) -> bool:
        """Whether clients must tell a key."""
        return not self.gate.is_open

    def judge(self, head: Head, seen: Seen) -> Intent | KatoError:
        """Judge the head of a request: what it asks for, or why it is refused.

        @param seen: takes what becomes known in any case.
        """
        try:
            return self._served(judge(head, self._access, self.gate, self.intake.limits, seen))
        except KatoError as error:
            return error
        except Exception:
            return judged(Failure(), self.log, "REST")

    def _served(self, intent: Intent) -> Intent:
        if self._pages is not None and intent.page not in self._pages:
            raise UnknownOperation(f"path: there is no {shown(intent.match.route.path)} here")
        return intent

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
        elif intent.page is None:
            answer = self._ask(intent, request)
            answer.addCallback(self._reply, request).addErrback(self._fail, request)
        elif intent.page is Page.GRAPHQL:
            self._serve_graphql(intent, request)
        else:
            intent.parameters(request.take_body(), self.intake.limits)
            self._show(intent.page, intent, request)

    def _ask(self, intent: Intent, request: "RestRequest") -> "Deferred[Reply]":
        body, bearer, limits = request.take_body(), intent.bearer, self.intake.limits
        if len(body) <= LONG_BODY:
            return self._carry_out(intent.command(body, limits), bearer, request)
        reading = self.intake.read(len(body), partial(intent.command, body, limits))
        return reading.addCallback(self._carry_out, bearer, request)

    def _carry_out(
        self, command: Command, bearer: Bearer, request: "RestRequest"
    ) -> "Deferred[Reply]":
        request.command = command.asked(request.origin)
        return bearer.ask(request.command)

    def _show(self, page: Page, intent: Intent, request: "RestRequest") -> None:
        if page is Page.STREAM:
            self._become_stream(intent, request, graphql=False)
        elif page is Page.ASSET:
            self._send_asset(intent.headers, request)
        elif page is Page.PREFLIGHT:
            methods = methods_at(parse_target(request.uri).segments)
            request.answer(NO_CONTENT, [], preflight(methods))
        elif page is Page.METRICS:
            self._send_metrics(intent.headers, request)
        else:
            self._reply_page(page, request)

    def _serve_graphql(self, intent: Intent, request: "RestRequest") -> None:
        """Answer a document, become a stream of them, or show the page to try it."""
        if self._graphql is None:
            raise UnknownOperation("path: there is no /graphql here")
        if request.method == b"GET" and asks_for_stream(intent.headers):
            self._become_stream(intent, request, graphql=True)
        elif not intent.given and request.method != b"POST" and accepts_html(intent.headers):
            self._send_asset(intent.headers, request)
        else:
            answering = self._graphql.answer(
                request.method,
                intent.given,
                request.take_body(),
                intent.headers,
                bearer=intent.bearer,
                origin=request.origin,
                finished=request.notifyFinish().addErrback(lambda _: None),
            )
            answering.addCallback(self._send_written, request).addErrback(self._fail, request)

    def _send_written(
        self, written: tuple[int, dict[str, Any], bytes], request: "RestRequest"
    ) -> None:
        status, answer, kind = written
        self._write(status, answer, request, kind=kind)

    def _become_stream(self, intent: Intent, request: "RestRequest", *, graphql: bool) -> None:
        if (request.method, request.clientproto) != (b"GET", b"HTTP/1.1"):
            raise InvalidRequest("request line: a WebSocket begins with GET and HTTP/1.1")
        if b"Transfer-Encoding" in intent.headers:
            raise InvalidRequest("Transfer-Encoding: a WebSocket begins without a body")
        stream = self._streams.accept(
            intent.headers,
            bearer=intent.bearer,
            client_address=request.client_address,
            graphql=graphql,
        )
        request.channel.become(stream, request)

    def _send_asset(self, headers: Headers, request: "RestRequest") -> None:
        path = parse_target(request.uri).segments
        asset = self._assets.get(path)
        if asset is None:
            raise UnknownOperation(f"path: there is no {shown('/' + '/'.join(path))}")
        status, body, extra = asset.answer(
            known=_only(headers.get(b"If-None-Match", ())),
            accepts_gzip=request.accepts_gzip,
        )
        kind = f"Content-Type: {asset.content_type}\r\nCache-Control: no-cache\r\n".encode()
        request.answer(status, [body], extra, kind=kind)

    def _send_metrics(self, headers: Headers, request: "RestRequest") -> None:
        if self._metrics is None:
            raise UnknownOperation("path: there is no /metrics here")
        writing = self._metrics.write(b",".join(headers.get(b"Accept", ())))
        writing.addCallback(self._send_text, request).addErrback(self._fail, request)

    def _send_text(self, written: tuple[bytes, bytes], request: "RestRequest") -> None:
        content_type, body = written
        kind = b"Content-Type: %b\r\nCache-Control: no-store\r\n" % content_type
        self._send(200, [body], request, kind=kind)

    def _reply_page(self, page: Page, request: "RestRequest") -> None:
        fields: dict[str, Any] = {}
        if page is Page.READY and not self._ready():
            raise ProcessorUnavailable("the server is loading or stopping", retry_after=1)
        if page is Page.STATISTICS:
            fields = self._statistics()
        self._reply(Reply(page.word, self._clock.seconds(), fields), request)

    def _reply(self, reply: Reply, request: "RestRequest") -> None:
        """Send a reply."""
        status = 201 if reply.fields.get("created") is True else 200
        self._write(status, reply.as_dict(), request)

    def _write(
        self, status: int, answer: dict[str, Any], request: "RestRequest", *, kind: bytes = JSON
    ) -> None:
        """Encode an answer and send it; a large one bit by bit, others going on between."""
        if is_small(answer):
            self._send(status, [encode_json(answer)], request, kind=kind)
            return
        rest = slices(answer)
        first = next(rest)
        if len(first) < PART:
            self._send(status, [first], request, kind=kind)
        else:
            encoding = self._cooperator.cooperate(
                self._encode([first], rest, status, request, kind)
            )
            encoding.whenDone().addErrback(self._fail, request)

    def _encode(
        self,
        parts: list[bytes],
        rest: Iterator[bytes],
        status: int,
        request: "RestRequest",
        kind: bytes,
    ) -> Iterator[None]:
        for part in rest:
            parts.append(part)
            yield None
            if request.gone:
                request.answer(status, ())
                return
        self._send(status, parts, request, kind=kind)

    def _send(
        self, status: int, parts: Sequence[bytes], request: "RestRequest", *, kind: bytes = JSON
    ) -> None:
        """Send an answer that is written; a large one compressed where that is asked for."""
        if sum(map(len, parts)) < FROM:
            request.answer(status, parts, kind=kind)
        elif not request.accepts_gzip:
            request.answer(status, parts, VARIES, kind=kind)
        else:
            compressing = self._in_thread(partial(gzipped, parts))
            compressing.addCallback(lambda made: request.answer(status, made, GZIP, kind=kind))
            compressing.addErrback(self._fail, request)

    def _fail(self, failure: Failure, request: "RestRequest") -> None:
        self._refuse(judged(failure, self.log, "REST"), request)

    def _refuse(self, error: KatoError, request: "RestRequest") -> None:
        """Refuse; who tells wrong keys waits for that."""
        request.error = error
        if isinstance(error, WrongKey) and error.delay:
            self._clock.callLater(error.delay, self._send_error, error, request)
            return
        if isinstance(error, WrongKey) and error.closes:
            request.channel.persistent = 0
        self._send_error(error, request)

    def _send_error(self, error: KatoError, request: "RestRequest") -> None:
        """Say why; whether a path is one of a processor's is not told to who has no key."""
        processor = None if isinstance(error, Unauthorized) else named_processor(request.uri)
        body = error_body(error, time_stamp=self._clock.seconds(), processor=processor)
        request.answer(error.http_status, [body], extra_headers(error))


def _only(values: Sequence[bytes]) -> bytes | None:
    """The value of a header that is given once."""
    return values[0] if len(values) == 1 else None
