"""A request as twisted.web drives it, with no more work than JSON needs."""

# mypy: allow-untyped-calls
# (twisted.web's own methods, which these classes extend, are not typed)

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twisted.python.failure import Failure
from twisted.web.http import Request

from kato.commands import Command
from kato.counting import OKAY
from kato.errors import KatoError, TooManyRequests
from kato.gate import Bearer
from kato.intake import Share
from kato.ledger import defect_of
from kato.origin import Origin
from kato.protocols.rest.access import Headers
from kato.protocols.rest.access_log import Answered
from kato.protocols.rest.answers import CLOSE, JSON, head
from kato.protocols.rest.browsers import joined, told
from kato.protocols.rest.compression import accepts_gzip
from kato.protocols.rest.delivery import Delivery
from kato.protocols.rest.intent import Head, Intent, check_length
from kato.protocols.rest.routes import QUIET, Route, named_processor
from kato.protocols.rest.whole import WholeHead

if TYPE_CHECKING:
    from kato.protocols.rest.channel import RestChannel

NOT_MODIFIED = 304
"""The status of an answer without the body that its headers are about: the client has it."""

_ID_HEADER = b"X-Request-Id"
_MAX_ID = 128

_TRACE_HEADER = b"Traceparent"
_TRACE = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
"""Where somebody traces a request (W3C Trace Context): the trace, and the caller's part of it."""


class RestRequest(Request):
    """One request of a connection.

    The body is kept in memory and never in a file; cookies, forms and their content types are not
    looked at.  Whoever is refused by the head has the rest of the body thrown away.
    """

    channel: "RestChannel"

    key: str | None = None
    """The name of the key that it came with, once that is known."""
    route: Route | None = None
    """What it asks for, once that is known, be it refused or not."""

    def __init__(self, channel: "RestChannel", queued: object = False) -> None:
        super().__init__(channel, queued, parsePOSTFormSubmission=False)
        self.began = channel.began
        self._site = channel.site
        self.request_id = b""
        self.caller = channel.direct
        self.told = b""
        self.intent: Intent | KatoError | None = None
        self.command: Command | None = None
        """What it asks a processor, once that is known."""
        self.error: KatoError | None = None
        """Why it was refused, if it was."""
        self.gone = False
        self._body = bytearray()
        self._held = 0
        self._share: Share | None = None

    def judge(self, request_line: bytes, length: int | None) -> Intent | KatoError:
        """Judge the head, all of which is there."""
        judged = self._judge(request_line, dict(self.requestHeaders.getAllRawHeaders()), length)
        if length and isinstance(judged, Intent):
            try:
                self._hold(length, judged.bearer)
            except TooManyRequests as error:
                self.intent = error
        return self.intent or judged

    def take_whole(self, head: WholeHead, body: bytes) -> None:
        """Take a request that is there whole."""
        if isinstance(self._judge(head.line, head.headers, head.length), Intent):
            self._body += body

    def _judge(
        self, request_line: bytes, headers: Headers, length: int | None
    ) -> Intent | KatoError:
        self.method, self.uri, self.clientproto = request_line.split(b" ")
        self.request_id = _given_id(headers) or self._site.make_id()
        access = self._site.access
        if access.proxies:
            self.caller = access.called(self.caller, headers)
        if self.caller.secure or b"Origin" in headers:
            self.told = told(headers, self.caller, access)
        self.intent = self._site.rest.judge(
            Head(
                self.method,
                self.uri,
                self.clientproto,
                headers,
                length,
                getattr(self.host, "host", None),
                self.caller.host,
                self.client_address,
            ),
            self,
        )
        if self.channel.is_guest and self._tells_key:
            self._site.admit(self.channel)
        return self.intent

    @property
    def _tells_key(self) -> bool:
        """Whether an operation is asked for by who has a key."""
        intent, gate = self.intent, self._site.rest.gate
        return (
            isinstance(intent, Intent) and intent.page is None and not gate.is_guest(intent.bearer)
        )

    def _hold(self, size: int, bearer: Bearer) -> None:
        """Keep so many bytes until this is answered.

        @raise TooManyRequests: where there is no room for them.
        """
        rest = self._site.rest
        if self._share is None:
            guest = rest.gate.is_guest(bearer)
            self._share = rest.intake.share(bearer.whose(self.client_address), guest=guest)
        rest.intake.hold(size, self._share, self._held)
        self._held += size

    def _release(self) -> None:
        if self._share is not None:
            self._site.rest.intake.release(self._held, self._share)
            self._held, self._share = 0, None

    @property
    def origin(self) -> Origin:
        """Where it came in, and with which key."""
        return Origin("rest", self.request_id.decode("ascii"), self.key, self.caller.address)

    def answered(self, now: float) -> Answered:
        """What the log tells of it, and what is counted.

        @param now: when it was answered.
        """
        command, error, page = self.command, self.error, None
        operation: str | None = None
        if command is not None:
            operation, processor = command.operation, command.processor
        else:
            operation = None if self.route is None else self.route.word
            processor = named_processor(self.uri)
            page = self.intent.page if isinstance(self.intent, Intent) else None
        return Answered(
            self.method,
            self.uri,
            self.code,
            began=now if self.began is None else self.began,
            ended=now,
            request_id=self.request_id,
            client=self.caller.address,
            outcome=OKAY if error is None else error.error_code,
            operation=operation,
            processor=processor,
            key=self.key,
            quiet=page in QUIET,
            defect=defect_of(error),
            refused=command is None and page is None,
        )

    @property
    def client_address(self) -> str | None:
        """The address of who asks, be it through proxies; C{None} on a Unix socket."""
        return self.caller.address

    @property
    def accepts_gzip(self) -> bool:
        """Whether the client takes a compressed answer."""
        intent = self.intent
        return isinstance(intent, Intent) and accepts_gzip(
            intent.headers.get(b"Accept-Encoding", ())
        )

    def take_body(self) -> bytes:
        """All of the body, once: it is kept no second time while it waits to be read."""
        body, self._body = bytes(self._body), bytearray()
        return body

    def parseCookies(self) -> None:
        """Nobody asks for cookies here."""

    def gotLength(self, length: int | None) -> None:
        """The length was judged with the head; no file is made for what comes."""

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body; one of unknown length is refused as soon as it is too long."""
        if not isinstance(self.intent, Intent):
            return
        self._body += data
        try:
            check_length(len(self._body), self._site.rest.intake.limits.message)
            if (more := len(self._body) - self._held) > 0:
                self._hold(more, self.intent.bearer)
        except KatoError as error:
            self._body.clear()
            self._release()
            self.channel.refuse(error)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All of the request is there."""
        self.process()

    def process(self) -> None:
        """Have the request answered."""
        self._site.rest.serve(self)

    def connectionLost(self, reason: Failure) -> Any:
        """The client is gone: whatever comes of its request, nothing more is written."""
        self.gone = True
        if self.startedWriting and not self.finished:
            self._site.log(self)
        self._body.clear()
        self._release()
        return super().connectionLost(reason)

    def answer(
        self, status: int, parts: Sequence[bytes], extra: bytes = b"", *, kind: bytes = JSON
    ) -> None:
        """Send an answer, if there is still somebody to read it.

        @param parts: the body, large ones in several parts.
        @param extra: headers, each with its line end.
        @param kind: the headers that say what it is.
        """
        if self.startedWriting:
            return
        self._release()
        self.code = status
        self.startedWriting = 1
        if self.gone:
            self._site.log(self)
            return
        self.sentLength = sum(map(len, parts))
        if self.told:
            extra = joined(extra, self.told)
        start = head(
            status,
            self.sentLength,
            date=self._site.date(),
            request_id=self.request_id,
            kind=kind,
            extra=extra if self.channel.persistent else extra + CLOSE,
        )
        if self.method == b"HEAD" or status == NOT_MODIFIED:
            parts = ()
        if len(parts) > 1:
            self.channel.write(start)
            Delivery(self, parts, clock=self._site.clock).start()
        else:
            self.channel.writeSequence([start, *parts])
            self.finish()


def _given_id(headers: Headers) -> bytes | None:
    """The id that a client gave its request, or by which somebody traces it."""
    given = _taken_id(headers.get(_ID_HEADER, ()))
    if given is not None or _TRACE_HEADER not in headers:
        return given
    trace = _TRACE.fullmatch(headers[_TRACE_HEADER][0])
    return None if trace is None else b"%b-%b" % (trace[1], trace[2])


def _taken_id(values: Sequence[bytes]) -> bytes | None:
    """The id that a client gave its request, if it is fit to be written in a log."""
    if len(values) != 1 or not 1 <= len(values[0]) <= _MAX_ID:
        return None
    [value] = values
    fit = value.isascii() and value.decode("ascii").isprintable() and b" " not in value
    return value if fit else None
