"""Handing a large answer to a connection, no faster than its client reads."""

from collections import deque
from collections.abc import Iterable

from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.web.http import Request
from zope.interface import implementer

PATIENCE = 60.0
"""Seconds without a client taking anything, after which it is given up."""


@implementer(IPushProducer)
class Delivery:
    """Writes the parts of one answer, and finishes its request."""

    def __init__(self, request: Request, parts: Iterable[bytes], *, clock: IReactorTime) -> None:
        """@param request: one whose head has been written."""
        self._request = request
        self._parts = deque(parts)
        self._clock = clock
        self._waits = False
        self._giving_up: IDelayedCall | None = None

    def start(self) -> None:
        """Write until the client must read first, and then as it does."""
        self._request.registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self) -> None:
        """The client must read first."""
        self._waits = True
        if self._giving_up is None:
            self._giving_up = self._clock.callLater(PATIENCE, self._give_up)

    def resumeProducing(self) -> None:
        """The client has read all that was written."""
        self._be_patient()
        self._waits = False
        while self._parts and not self._waits:
            self._request.channel.write(self._parts.popleft())
        if not self._parts:
            self._be_patient()
            self._request.unregisterProducer()
            self._request.finish()

    def stopProducing(self) -> None:
        """The client is gone."""
        self._be_patient()
        self._waits = True
        self._parts.clear()

    def _be_patient(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        self._giving_up = None
        self._request.channel.forceAbortClient()
