"""The REST interface put together: what a port serves (SPEC 9)."""

# mypy: allow-untyped-calls
# (twisted.web's own methods, which these classes extend, are not typed)

from collections.abc import Callable
from itertools import count
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import Site

from kato.errors import TooManyRequests
from kato.gate import Gate
from kato.intake import Intake
from kato.ledger import Ledger
from kato.protocols.rest.access import Access
from kato.protocols.rest.answers import DateHeader
from kato.protocols.rest.assets import Assets
from kato.protocols.rest.channel import RestChannel
from kato.protocols.rest.handed_in import AcceptsStreams, AnswersDocuments, TellsMetrics
from kato.protocols.rest.refusing import RefusingChannel
from kato.protocols.rest.request import RestRequest
from kato.protocols.rest.rest import Rest
from kato.protocols.rest.routes import Page
from kato.protocols.rest.turned_away import TurningAway
from kato.threads import InThread


class RestSite(Site):
    """Makes a L{RestChannel} for every connection.

    There is no tree of resources: requests are looked up in one table.
    """

    protocol = RestChannel  # type: ignore[assignment]  # declared as a private proxy of channels

    def __init__(self, rest: Rest, access: Access, *, clock: IReactorTime, ledger: Ledger) -> None:
        """@param ledger: is told of each request that was answered."""
        super().__init__(
            Resource(),
            requestFactory=RestRequest,
            timeout=rest.intake.limits.idle,
            reactor=clock,
            parsePOSTFormSubmission=False,
        )
        self.rest = rest
        self.access = access
        self.clock = clock
        self.ledger = ledger
        self._date = DateHeader()
        self._channels: set[RefusingChannel] = set()
        self._guests: set[RefusingChannel] = set()
        self._taken = 0
        self._turning_away = TurningAway(clock=clock)
        self._drained: Deferred[None] | None = None
        self._ids = map(f"{token_hex(4)}-{{:x}}".format, count(1))

    def date(self) -> bytes:
        """The C{Date} of an answer that is given now."""
        return self._date.at(self.clock.seconds())

    def make_id(self) -> bytes:
        """An id for a request that brought none."""
        return next(self._ids).encode()

    def log(self, request: Request) -> None:
        """A request was answered."""
        assert isinstance(request, RestRequest)
        self.ledger.tell(request.answered(self.clock.seconds()))
        if not self._channels:  # its client is gone, and was the last one
            self.ledger.write()

    def switched(self, request: RestRequest, status: int) -> None:
        """A request was answered by another protocol, to which its connection belongs now."""
        request.code = status
        self.log(request)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Make what serves a connection, or what turns it away."""
        try:
            self._check_room()
        except TooManyRequests as error:
            return self._turning_away.turn_away(
                error, addr, date=self.date(), request_id=self.make_id()
            )
        return super().buildProtocol(addr)

    def _check_room(self) -> None:
        limits = self.rest.intake.limits
        if self._taken >= limits.connections:
            raise TooManyRequests(
                f"connections: {limits.connections:,} are open, which is the limit", retry_after=1
            )
        if len(self._guests) >= limits.guests:
            raise TooManyRequests(
                f"connections: {limits.guests:,} are open that have told no key yet, which is the "
                "limit",
                retry_after=1,
            )

    def opened(self, channel: RefusingChannel) -> None:
        """A connection was made."""
        self._channels.add(channel)
        self._taken += 1
        if self.rest.asks_key:
            channel.is_guest = True
            self._guests.add(channel)

    def admit(self, channel: RefusingChannel) -> None:
        """The key was told on a connection."""
        channel.is_guest = False
        self._guests.discard(channel)

    def lost(self) -> None:
        """A connection has ended, be it one of HTTP or not any more."""
        self._taken -= 1

    def closed(self, channel: RefusingChannel) -> None:
        """A connection has ended, or is none of HTTP any more."""
        self._channels.discard(channel)
        self._guests.discard(channel)
        if self._channels:
            return
        self.ledger.write()
        if self._drained is not None and not self._drained.called:
            self._drained.callback(None)

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._channels)

    @property
    def turned_away(self) -> int:
        """How many connections were too many so far."""
        return self._turning_away.number

    def drain(self) -> "Deferred[None]":
        """Close all connections, each behind the answer that is under way on it; fires when none is
        left, all that was written having gone out."""
        if not self._channels:
            return succeed(None)
        self._drained = Deferred()
        for channel in list(self._channels):
            channel.end()
        return self._drained

    def acceptableProtocols(self) -> list[bytes]:
        """What is spoken over TLS."""
        return [b"http/1.1"]

    def startFactory(self) -> None:
        """twisted.web's own access log stays closed, and its clock is not started."""

    def stopFactory(self) -> None:
        """There is nothing to close."""


def make_site(
    gate: Gate,
    *,
    clock: IReactorTime,
    in_thread: InThread,
    intake: Intake | None = None,
    access: Access,
    streams: AcceptsStreams,
    assets: Assets,
    statistics: Callable[[], dict[str, Any]],
    ready: Callable[[], bool],
    ledger: Ledger | None = None,
    metrics: TellsMetrics | None = None,
    graphql: AnswersDocuments | None = None,
    pages: frozenset[Page] | None = None,
) -> RestSite:
    """Make what a port serves.

    @param gate: knows who asks, and lets commands through.
    @param in_thread: calls a function off the reactor.
    @param intake: counts and reads what comes in, on other transports, too.
    @param streams: makes connections WebSockets.
    @param assets: the files that are served.
    @param statistics: what C{/stats} tells.
    @param ready: whether C{/ready} is to say so.
    @param ledger: is told of each request that was answered; one of its own, where none is given.
    @param metrics: writes C{/metrics}; C{None}: there is none.
    @param graphql: answers C{/graphql}; C{None}: there is none.
    @param pages: all that is served here; C{None}: all that there is.
    """
    rest = Rest(
        gate,
        clock=clock,
        in_thread=in_thread,
        intake=intake or Intake(in_thread),
        access=access,
        streams=streams,
        assets=assets,
        statistics=statistics,
        ready=ready,
        metrics=metrics,
        graphql=graphql,
        pages=pages,
    )
    return RestSite(rest, access, clock=clock, ledger=ledger or Ledger(clock=clock))
