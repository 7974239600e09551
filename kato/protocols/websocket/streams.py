"""All WebSocket connections of a gateway (SPEC 9)."""

from collections.abc import Callable
from functools import partial
from itertools import count
from secrets import token_hex
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from kato.errors import TooManyRequests
from kato.events import Event
from kato.gate import Bearer, Gate
from kato.intake import Intake
from kato.keeper import WrongKey
from kato.ledger import Ledger
from kato.protocols.websocket.frames import Announced, Codec
from kato.protocols.websocket.graphql_session import GraphqlSession, KnowsDocuments
from kato.protocols.websocket.handshake import OF_GRAPHQL, OURS, Handshake, Headers
from kato.protocols.websocket.hearing import Hearing
from kato.protocols.websocket.protocol import StreamFactory, StreamProtocol
from kato.protocols.websocket.session import Session
from kato.protocols.websocket.traffic import Traffic
from kato.protocols.websocket.writing import Writing
from kato.threads import InThread


class Streams:
    """Makes connections WebSockets, and knows those that are."""

    def __init__(
        self,
        gate: Gate,
        *,
        clock: IReactorTime,
        in_thread: InThread,
        intake: Intake,
        ledger: Ledger | None = None,
        graphql: KnowsDocuments | None = None,
    ) -> None:
        """
        @param gate: knows who asks, and lets commands through.
        @param in_thread: calls a function off the reactor.
        @param intake: counts and reads what comes in, on other transports, too.
        @param ledger: is told of each request that was answered; one of its own, where none is
            given.
        @param graphql: knows what documents of GraphQL say; C{None}: none are spoken.
        """
        self._gate = gate
        self._clock = clock
        self._writing = Writing(in_thread)
        self._intake = intake
        self._ledger = ledger or Ledger(clock=clock)
        self._factory = StreamFactory(clock=clock, intake=intake)
        self._graphql = graphql
        self._sessions: dict[StreamProtocol, Hearing[Any]] = {}
        self._ids = map(f"{token_hex(4)}-{{:x}}".format, count(1))
        self._announced: Announced | None = None
        self._drained: Deferred[None] | None = None
        self.traffic = Traffic()
        """What all connections do together."""
        gate.keeper.watch(self._keys_changed)

    # Connections

    def accept(
        self,
        headers: Headers,
        *,
        bearer: Bearer,
        client_address: str | None,
        graphql: bool = False,
    ) -> StreamProtocol:
        """Judge the head of a request, and give what its connection becomes.

        @param bearer: who asks, by what the head says.
        @param client_address: of who asks, be it through proxies.
        @param graphql: whether documents of GraphQL are to be spoken.
        @raise KatoError: where it cannot be.
        """
        handshake = Handshake.parse(headers, OF_GRAPHQL if graphql else OURS)
        self._check_room(keyed=not self._gate.is_guest(bearer))

        def opened(protocol: StreamProtocol) -> Hearing[Any]:
            return self._opened(protocol, bearer, client_address)

        return self._factory.make(handshake, opened, self._closed)

    def _check_room(self, *, keyed: bool) -> None:
        limits, open_now = self._intake.limits, len(self._sessions)
        if open_now >= limits.connections:
            raise TooManyRequests(
                f"connections: {limits.connections:,} streams are open, which is the limit",
                retry_after=1,
            )
        if keyed or open_now < limits.guests:
            return
        if sum(each.is_guest for each in self._sessions.values()) >= limits.guests:
            raise TooManyRequests(
                f"connections: {limits.guests:,} streams are open that have told no key yet, "
                "which is the limit",
                retry_after=1,
            )

    def _opened(
        self, protocol: StreamProtocol, bearer: Bearer, client_address: str | None
    ) -> Hearing[Any]:
        key, refused = protocol.handshake.key, None
        if key is not None and self._gate.is_guest(bearer):
            try:
                bearer = self._gate.identify((key,), how="", peer=client_address)
            except WrongKey as error:
                refused = error
        codec = protocol.handshake.codec
        session = self._sessions[protocol] = self._speaking(codec)(
            protocol,
            self._gate,
            bearer,
            client_address=client_address,
            codec=codec,
            deflates=protocol.deflates,
            make_id=self._ids.__next__,
            announced=self._announce,
            ledger=self._ledger,
            traffic=self.traffic,
            writing=self._writing,
            intake=self._intake,
            clock=self._clock,
        )
        self.traffic.opened += 1
        if refused is not None:
            self._clock.callLater(refused.delay, session.close, session.no_key, refused.message)
        if self._drained is not None:
            session.finish()
        return session

    def _speaking(self, codec: Codec) -> Callable[..., Hearing[Any]]:
        """What makes the session of a connection."""
        if codec is Codec.GRAPHQL and self._graphql is not None:
            return partial(GraphqlSession, knows=self._graphql)
        return Session

    def _closed(self, protocol: StreamProtocol) -> None:
        session = self._sessions.pop(protocol, None)
        if session is None:
            return
        drained = self._drained
        if drained is not None and not drained.called and not self._sessions:
            drained.callback(None)

    def _keys_changed(self) -> None:
        for session in list(self._sessions.values()):
            session.keys_changed()

    def drain(self) -> "Deferred[None]":
        """Send on all connections what waits there, and close them; fires when none is left."""
        self._drained = Deferred()
        if not self._sessions:
            return succeed(None)
        for session in list(self._sessions.values()):
            session.finish()
        return self._drained

    # What they are told

    def _announce(self, event: Event) -> Announced:
        """An event as it is told to everybody: those who listen hear of it one after the other."""
        announced = self._announced
        if announced is None or announced.event is not event:
            announced = self._announced = Announced(event)
            self.traffic.lag.add(max(self._clock.seconds() - event.time_stamp, 0.0))
        return announced

    # What is known of them

    def __len__(self) -> int:
        return len(self._sessions)

    def statistics(self) -> dict[str, Any]:
        """What C{/stats} tells of streams."""
        traffic = self.traffic
        return {
            "connections": len(self),
            "subscriptions": traffic.subscriptions,
            "under_way": traffic.under_way,
            "waiting": traffic.waiting,
            "opened": traffic.opened,
            "requests": traffic.answers,
            "events": traffic.events,
            "skipped": traffic.skipped,
            "too_slow": traffic.too_slow,
        }
