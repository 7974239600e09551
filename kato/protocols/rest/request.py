"""A request as twisted.web drives it, with no more work than JSON needs."""

# mypy: allow-untyped-calls
# (twisted.web's own methods, which these classes extend, are not typed)

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twisted.python.failure import Failure
from twisted.web.http import Request

from kato.errors import KatoError, TooManyRequests
from kato.origin import Origin
from kato.protocols.rest.access import Headers
from kato.protocols.rest.answers import CLOSE, JSON, head
from kato.protocols.rest.browsers import joined, told
from kato.protocols.rest.compression import accepts_gzip
from kato.protocols.rest.delivery import Delivery
from kato.protocols.rest.intent import Head, Intent, check_length
from kato.protocols.rest.whole import WholeHead

if TYPE_CHECKING:
    from kato.protocols.rest.channel import RestChannel

NOT_MODIFIED = 304
"""The status of an answer without the body that its headers are about: the client has it."""

_ID_HEADER = b"X-Request-Id"
_MAX_ID = 128


class RestRequest(Request):
    """One request of a connection.

    The body is kept in memory and never in a file; cookies, forms and their content types are not
    looked at.  Whoever is refused by the head has the rest of the body thrown away.
    """

    channel: "RestChannel"

    def __init__(self, channel: "RestChannel", queued: object = False) -> None:
        super().__init__(channel, queued, parsePOSTFormSubmission=False)
        self.began = channel.began
        self.request_id = b""
        self.caller = channel.direct
        self.told = b""
        self.intent: Intent | KatoError | None = None
        self.gone = False
        self._body = bytearray()
        self._held = 0

    def judge(self, request_line: bytes, length: int | None) -> Intent | KatoError:
        """Judge the head, all of which is there."""
        judged = self._judge(request_line, dict(self.requestHeaders.getAllRawHeaders()), length)
        if length and isinstance(judged, Intent):
            try:
                self._hold(length)
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
        self.request_id = _taken_id(headers.get(_ID_HEADER, ())) or self.channel.site.make_id()
        access = self.channel.site.access
        if access.proxies:
            self.caller = access.called(self.caller, headers)
        if self.caller.secure or b"Origin" in headers:
            self.told = told(headers, self.caller, access)
        self.intent = self.channel.site.rest.judge(
            Head(
                self.method,
                self.uri,
                self.clientproto,
                headers,
                length,
                getattr(self.host, "host", None),
                self.caller.host,
                self.client_address,
            )
        )
        if self.channel.is_guest and self._tells_key:
            self.channel.site.admit(self.channel)
        return self.intent

    @property
    def _tells_key(self) -> bool:
        """Whether an operation is asked for by who has a key."""
        intent, gate = self.intent, self.channel.site.rest.gate
        return (
            isinstance(intent, Intent) and intent.page is None and not gate.is_guest(intent.bearer)
        )

    def _hold(self, size: int) -> None:
        """Keep so many bytes until this is answered.

        @raise TooManyRequests: where there is no room for them.
        """
        self.channel.site.rest.intake.hold(size)
        self._held += size

    def _release(self) -> None:
        if self._held:
            self.channel.site.rest.intake.release(self._held)
            self._held = 0

    @property
    def origin(self) -> Origin:
        """Where it came in, and with which key."""
        intent = self.intent
        key = intent.bearer.name if isinstance(intent, Intent) else None
        return Origin("rest", self.request_id.decode("ascii"), key)

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

    @property
    def body(self) -> bytes:
        """What has come of the body."""
        return bytes(self._body)

    def parseCookies(self) -> None:
        """Nobody asks for cookies here."""

    def gotLength(self, length: int | None) -> None:
        """The length was judged with the head; no file is made for what comes."""

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body; one of unknown length is refused as soon as it is too long."""
        if isinstance(self.intent, KatoError):
            return
        self._body += data
        try:
            check_length(len(self._body), self.channel.site.rest.intake.limits.message)
            self._hold(max(0, len(self._body) - self._held))
        except KatoError as error:
            self._body.clear()
            self._release()
            self.channel.refuse(error)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All of the request is there."""
        self.process()

    def process(self) -> None:
        """Have the request answered."""
        self.channel.site.rest.serve(self)

    def connectionLost(self, reason: Failure) -> Any:
        """The client is gone: whatever comes of its request, nothing more is written."""
        self.gone = True
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
        if self.gone or self.startedWriting:
            return
        self._release()
        self.code = status
        self.startedWriting = 1
        self.sentLength = sum(map(len, parts))
        if self.told:
            extra = joined(extra, self.told)
        start = head(
            status,
            self.sentLength,
            date=self.channel.site.date(),
            request_id=self.request_id,
            kind=kind,
            extra=extra if self.channel.persistent else extra + CLOSE,
        )
        if self.method == b"HEAD" or status == NOT_MODIFIED:
            parts = ()
        if len(parts) > 1:
            self.channel.write(start)
            Delivery(self, parts, clock=self.channel.site.clock).start()
        else:
            self.channel.writeSequence([start, *parts])
            self.finish()


def _taken_id(values: Sequence[bytes]) -> bytes | None:
    """The id that a client gave its request, if it is fit to be written in a log."""
    if len(values) != 1 or not 1 <= len(values[0]) <= _MAX_ID:
        return None
    [value] = values
    fit = value.isascii() and value.decode("ascii").isprintable() and b" " not in value
    return value if fit else None
