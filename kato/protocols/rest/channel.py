"""A connection: what twisted.web reads of HTTP, and what it refuses, in the words of SPEC 8.

Private to twisted.web and relied on here are C{_respondToBadRequestAndDisconnect}, which is called
for everything that is not HTTP, and would answer in plain text, and what L{RestChannel._take_whole}
leaves as twisted.web itself does when a request is there: C{_savedTimeOut}, C{_handlingRequest}.
Requests that came already wait in C{_buffer} or C{_dataBuffer}; C{_waitingForTransport} says that
answers wait for a client who does not read them, and C{_networkProducer} is what can be paused.
"""

# mypy: allow-untyped-calls
# (twisted.web's own methods, which these classes extend, are not typed)

import sys
from typing import Any, Protocol

from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import InvalidHeaderName

from kato.defects import judged
from kato.errors import (
    HeadersTooLarge,
    InvalidRequest,
    KatoError,
    PayloadTooLarge,
)
from kato.fields import shown
from kato.protocols.rest.refusing import RefusingChannel
from kato.protocols.rest.request import RestRequest
from kato.protocols.rest.whole import WholeHead, read_whole

MAX_HEAD = 16 * 1024
"""How many bytes the request line and all headers may have together."""

MAX_HEADERS = 100
"""How many headers a request may have."""

SMALL_BODY = 64 * 1024
"""A body of so many bytes is thrown away, where the head was refused, to keep the connection."""

PIPELINED = 4
"""So many requests that came together are answered at a time, before others have their turn."""

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_NEVER = b"\0\r\n"
_TLS = b"\x16\x03"


SWITCHED = 101
"""The status of the answer behind which a connection is none of HTTP any more."""


class Stream(Protocol):
    """What a connection may become: a protocol of another kind."""

    def makeConnection(self, transport: ITransport) -> None:
        """Have the connection."""

    def dataReceived(self, data: bytes) -> None:
        """Take what came on it behind the head of the request."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is gone."""


class RestChannel(RefusingChannel):
    """Reads requests one after the other, and refuses what cannot be read."""

    log = Logger()

    # These two are judged here, where they can be told apart.
    totalHeadersSize = sys.maxsize
    maxHeaders = sys.maxsize

    def __init__(self) -> None:
        super().__init__()
        self._header_line: bytes | None = None
        self._head_size = 0
        self._headers = 0
        self._stream: Stream | None = None
        self._answered = 0
        self._unread: RestRequest | None = None

    def become(self, stream: Stream, request: RestRequest) -> None:
        """Be another protocol's connection from now on, which answers the request that asked for
        it."""
        transport: Any = self.transport  # a consumer, too, be it of TCP or of TLS above it
        self._stream = stream
        transport.unregisterProducer()
        self.site.closed(self)
        self.site.switched(request, SWITCHED)
        stream.makeConnection(transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client is gone."""
        if self._stream is not None:
            self._stream.connectionLost(reason)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        """Read on; one who was refused is not listened to any more."""
        if self.refused:
            return
        if self._stream is not None:
            self._stream.dataReceived(data)
            return
        whole = read_whole(data) if self._at_start else None
        if whole is None and self._at_start and data.startswith(_TLS):
            self.refuse(InvalidRequest("TLS: expected HTTP without it; ask by http://"))
            return  # the line that twisted.web waits for may not come
        if not self.requests:
            self._begin()
        try:
            if whole is None:
                super().dataReceived(data)
                if self._buffer and not self.requests:
                    self._begin()  # of the next request a part is there already
            else:
                self._take_whole(*whole)
        except Exception:
            self._defect()

    @property
    def _at_start(self) -> bool:
        """Whether what comes now can only be the beginning of a request."""
        return self.began is None and not (self.requests or self._buffer) and bool(self.persistent)

    def _take_whole(self, head: WholeHead, body: bytes) -> None:
        """Have a request answered that came in one piece."""
        request = RestRequest(self)
        self.requests.append(request)
        request.take_whole(head, body)
        self._savedTimeOut = self.setTimeout(None)
        self._handlingRequest = True
        self.setRawMode()
        self.began = None
        request.process()

    def lineReceived(self, line: bytes) -> None:
        """Read a line of the head."""
        if self.refused:
            return
        self._head_size += len(line) + 2
        if self._head_size > MAX_HEAD:
            self.lineLengthExceeded(line)
        elif not self.requests:
            self.request_line = line
            self._begin()
            super().lineReceived(line)
        elif not line:
            super().lineReceived(line)
        else:
            self.headerReceived(line)

    def _begin(self) -> None:
        """A request has begun, with its first line or with a part of it."""
        if self.began is None:
            self.began = self.site.clock.seconds()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a head that is too large, be it in one line or in many."""
        if not self.requests:
            self.request_line = line
        size = max(self._head_size, len(line))
        self.refuse(
            HeadersTooLarge(f"head: {size:,} bytes or more are over the limit of {MAX_HEAD:,}")
        )

    def headerReceived(self, line: bytes) -> bool:
        """Read a header; C{False} says that the request is refused.

        What is plain is stored at once.  What tells the length of the body, or is malformed (as are
        lines that continue another one), is left to twisted.web.
        """
        self._header_line = line
        self._headers += 1
        if self._headers > MAX_HEADERS:
            self.refuse(
                HeadersTooLarge(
                    f"head: {self._headers} headers or more are over the limit of {MAX_HEADERS}"
                )
            )
            return False
        name, colon, value = line.partition(b":")
        if not colon or name.lower() in _FRAMING or len(value.translate(None, _NEVER)) < len(value):
            return self._hard_header(line)
        try:
            self.requests[-1].requestHeaders.addRawHeader(name, value.strip(b" \t"))
        except InvalidHeaderName:
            return self._hard_header(line)
        return True

    def _hard_header(self, line: bytes) -> bool:
        try:
            return bool(super().headerReceived(line))
        except ValueError:  # a Content-Length of more digits than Python reads
            self.refuse(PayloadTooLarge(f"Content-Length: far over the limit, {_shown(line)}"))
            return False

    def allHeadersReceived(self) -> None:
        """Judge a request by its head, before its body is read or asked for."""
        request = self.requests[-1]
        self._judge_framing(request)
        if self.refused:
            return
        judged = request.judge(self.request_line, self.length)
        if isinstance(judged, KatoError) and self._is_costly(request):
            self.refuse(judged)
        else:
            super().allHeadersReceived()

    def _judge_framing(self, request: "RestRequest") -> None:
        """Refuse what two readers could take for requests of different lengths."""
        codings = request.requestHeaders.getRawHeaders(b"Transfer-Encoding")
        if codings is None:
            return
        chunked = [each.lower() for each in codings] == [b"chunked"]
        if not chunked or request.requestHeaders.hasHeader(b"Content-Length"):
            self.refuse(InvalidRequest("Transfer-Encoding: expected chunked, and nothing beside"))
        elif not self.request_line.endswith(b"HTTP/1.1"):
            self.refuse(InvalidRequest("Transfer-Encoding: chunked is not in HTTP/1.0"))

    def _is_costly(self, request: "RestRequest") -> bool:
        """Whether the body of a refused request is better not read."""
        if self.length is None or request.requestHeaders.hasHeader(b"Expect"):
            return self.length != 0
        return self.length > SMALL_BODY

    def checkPersistence(self, request: "RestRequest", version: bytes) -> bool:
        """Whether the connection stays open: in HTTP/1.1, unless the client says otherwise."""
        values = request.requestHeaders.getRawHeaders(b"Connection", ())
        tokens = {each.strip().lower() for value in values for each in value.split(b",")}
        return version == b"HTTP/1.1" and b"close" not in tokens

    def rawDataReceived(self, data: bytes) -> None:
        """Read of a body, or what came behind the head of a request to become a stream."""
        if self._stream is not None:
            self._stream.dataReceived(data)
        elif not self.refused:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """A request is there whole: have it answered, and be ready for the next one."""
        if self.refused:
            return
        self._head_size = self._headers = 0
        self._header_line = self.began = None
        self.request_line = b""
        super().allContentReceived()

    def requestDone(self, request: RestRequest) -> None:
        """A request was answered: go on with the next one, if its client reads, and if others had
        their turn."""
        self._answered += 1
        if not self.persistent:
            super().requestDone(request)
        elif self._waitingForTransport:
            self._unread = request
            self._networkProducer.pauseProducing()
            self.setTimeout(self._savedTimeOut)
        elif self._answered % PIPELINED == 0 and (self._buffer or self._dataBuffer):
            self.site.clock.callLater(0, self._go_on, request)
        else:
            super().requestDone(request)

    def _go_on(self, request: RestRequest) -> None:
        if not request.gone:
            super().requestDone(request)

    def resumeProducing(self) -> None:
        """The client has read what was answered."""
        super().resumeProducing()
        request, self._unread = self._unread, None
        if request is not None:
            self._go_on(request)

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Refuse what twisted.web cannot read."""
        if not self.line_mode:
            self.refuse(InvalidRequest("body: malformed chunk"))
        elif self._header_line is None:
            self.refuse(InvalidRequest(f"request line: malformed, {_shown(self.request_line)}"))
        else:
            name = self._header_line.partition(b":")[0]
            self.refuse(
                InvalidRequest(
                    f"{_plain(name[:80])}: malformed, or at odds with another header, "
                    f"{_shown(self._header_line)}"
                )
            )

    def _defect(self) -> None:
        self.refuse(judged(Failure(), self.log, "reading a request"))


def _plain(line: bytes) -> str:
    return line.decode("ascii", "backslashreplace")


def _shown(line: bytes) -> str:
    return shown(_plain(line))
