"""The end of a connection: who is refused in the middle of a request, and who is waited for."""

# mypy: allow-untyped-calls
# (twisted.web's own methods, which these classes extend, are not typed)

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IAddress, IDelayedCall, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from kato.errors import KatoError, RequestTimeout
from kato.keeper import WrongKey
from kato.ledger import defect_of, outcome_of
from kato.protocols.rest.access_log import Answered
from kato.protocols.rest.answers import CLOSE, error_body, extra_headers, head
from kato.protocols.rest.browsers import joined
from kato.protocols.rest.patience import Patience
from kato.protocols.rest.proxies import Caller

if TYPE_CHECKING:
    from kato.protocols.rest.request import RestRequest
    from kato.protocols.rest.site import RestSite

LINGER = 5
"""Seconds in which one who was refused in the middle of a request may read why."""


class RefusingChannel(HTTPChannel):
    """Knows when a request began, and ends a connection with an answer where one is due."""

    requests: "list[RestRequest]"
    site: "RestSite"

    def __init__(self) -> None:
        super().__init__()
        self.refused = False
        self.request_line = b""
        self.began: float | None = None
        self._waits: IDelayedCall | None = None
        self.is_guest = False
        """Whether no key was told here yet, where one is asked for."""

    def connectionMade(self) -> None:
        """Look up both ends once, and not for every request."""
        self._patience = Patience(self.timeoutConnection, clock=self.site.clock)
        super().connectionMade()
        assert self.transport is not None
        self._host: IAddress = self.transport.getHost()
        self._peer: IAddress = self.transport.getPeer()
        self.direct = Caller.at(getattr(self._peer, "host", None), secure=bool(self.isSecure()))
        self.site.opened(self)

    def getHost(self) -> IAddress:
        """This end."""
        return self._host

    def getPeer(self) -> IAddress:
        """The client's end."""
        return self._peer

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client is gone."""
        super().connectionLost(reason)
        if self._waits is not None:
            self._waits.cancel()
        self._patience.stop()
        self.site.closed(self)
        self.site.lost()

    def end(self) -> None:
        """Answer the request that is there whole, if there is one, and then close."""
        self.persistent = 0
        if not self.requests or self.began is not None:
            self.loseConnection()

    def setTimeout(self, period: int | None) -> int | None:
        """Wait so many seconds for a byte, or for ever; returns how long it was before."""
        before, self.timeOut = self.timeOut, period
        if period is None:
            self._patience.forget()
        else:
            self._patience.wait(period)
        return before

    def resetTimeout(self) -> None:
        """Wait on for the next byte, if this request has not been coming for too long."""
        if self.timeOut is None:
            return
        if self.began is None or self.site.clock.seconds() - self.began < self._arrival:
            self._patience.wait(self.timeOut)

    def timeoutConnection(self) -> None:
        """Close a connection on which nothing came; who has begun a request is told why."""
        if self.began is None or self.refused:
            super().timeoutConnection()
        else:
            self.refuse(self._timed_out(self.site.clock.seconds() - self.began))

    @property
    def _arrival(self) -> int:
        """Seconds in which a request must come whole, however often a byte of it comes."""
        return self.site.rest.intake.limits.arrival

    def _timed_out(self, took: float) -> RequestTimeout:
        if took < self._arrival:
            return RequestTimeout(
                f"request: no byte of it came for {self.timeOut} seconds, the limit"
            )
        return RequestTimeout(
            f"request: not whole after {took:.0f} seconds, over the limit of {self._arrival}"
        )

    def refuse(self, error: KatoError) -> None:
        """Answer C{error} in the middle of a request, and read no more; who tells wrong keys waits
        for that.

        What the client is still sending is thrown away for a while: closing at once would make its
        system forget the answer.
        """
        if self.refused:
            return
        self.refused = True
        if isinstance(error, WrongKey) and error.delay:
            self.setTimeout(None)
            self._waits = self.site.clock.callLater(error.delay, self._end, error)
        else:
            self._end(error)

    def _end(self, error: KatoError) -> None:
        self._waits = None
        self._answer(error)
        self.setTimeout(LINGER)
        if ITCPTransport.providedBy(self.transport) and not self.isSecure():
            self.transport.loseWriteConnection()

    def _answer(self, error: KatoError) -> None:
        request_id = self._refused_id()
        body = error_body(error, time_stamp=self.site.clock.seconds(), processor=None)
        start = head(
            error.http_status,
            len(body),
            date=self.site.date(),
            request_id=request_id,
            extra=joined(extra_headers(error) + CLOSE, self._told()),
        )
        is_head = self.request_line.startswith(b"HEAD ")
        self.writeSequence([start, b"" if is_head else body])
        self._tell(error, request_id)

    def _told(self) -> bytes:
        """What the answer tells a browser, as far as the head was read."""
        return self.requests[-1].told if self.requests else b""

    def _refused_id(self) -> bytes:
        given = self.requests[-1].request_id if self.requests else b""
        return given or self.site.make_id()

    def _tell(self, error: KatoError, request_id: bytes) -> None:
        request = self.requests[-1] if self.requests else None
        if request is not None and request.intent is not None:
            request.code, request.error = error.http_status, error
            self.site.log(request)
        else:
            self._tell_unread(error, request_id)

    def _tell_unread(self, error: KatoError, request_id: bytes) -> None:
        """A request was refused of which the head could not be read."""
        method, _, rest = self.request_line.partition(b" ")
        now = self.site.clock.seconds()
        self.site.ledger.tell(
            Answered(
                method=method or b"-",
                target=rest.split(b" ")[0] or b"-",
                status=error.http_status,
                began=now if self.began is None else self.began,
                ended=now,
                request_id=request_id,
                client=(self.requests[-1].caller if self.requests else self.direct).address,
                outcome=outcome_of(error),
                defect=defect_of(error),
                refused=True,
            )
        )
