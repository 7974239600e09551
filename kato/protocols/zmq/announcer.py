"""A service tells gateways of itself: what it holds, how busy it is, and where it is reached (SPEC
10)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from kato.claims import Claims, Told
from kato.errors import KatoError
from kato.messagepack import pack
from kato.protocols.zmq.announcements import Answer
from kato.protocols.zmq.interface import Sockets
from kato.protocols.zmq.link import HOPE, Link, State

LEASE = 10.0
"""Seconds for which an announcement holds; there is one every third of that, and with each change
of what is held."""

PAUSE = 0.05
"""Seconds between two announcements of changes, at least."""

_PAUSE_FOR_EACH = 1e-5
"""Seconds that this takes longer for each processor: who holds very many tells less often."""

LONGEST_PAUSE = 0.5
"""Seconds until a gateway that comes back is found, at most."""

PATIENCE = 2.0
"""Seconds that a gateway has to answer; then the connection is taken for lost."""

FAREWELL = 1.0
"""Seconds that a gateway has to hear that the service leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a service is.

    @ivar service: how people call it.
    @ivar address: where gateways reach it, C{tcp://host:port}.
    @ivar boot: which start of the service this is.
    @ivar events: the port where it publishes events.
    """

    service: str
    address: str
    boot: str
    events: int | None


class _Gateway:
    """A gateway, as it is told of the service."""

    def __init__(self, rank: int, address: str) -> None:
        self.rank = rank
        self.address = address
        self.asked: Deferred[bytes] | None = None
        self.told: Told | None = None
        self.again = False
        self.trouble: str | None = None
        self.refused: Mapping[str, str] = {}
        self.link: Link

    @property
    def is_up(self) -> bool:
        """Whether it can be told something now."""
        return self.link.state is State.UP


class Announcer:
    """Tells gateways of a service, for as long as it runs."""

    log = Logger()

    def __init__(
        self,
        identity: Identity,
        gateways: Sequence[str],
        *,
        held: Callable[[], frozenset[str] | None],
        under_way: Callable[[], int],
        sockets: Sockets,
        clock: IReactorTime,
        random: Callable[[], float],
        api_key: bytes | None,
        lease: float = LEASE,
        epochs: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        """
        @param gateways: the addresses of their registries; the first of them decides.
        @param held: the processors that are here or are being made; C{None}: not known yet, so
            nothing is told.
        @param under_way: how many requests are.
        @param random: draws from 0 to 1, for pauses.
        @param api_key: what gateways want to see.
        @param lease: seconds for which what is told holds.
        @param epochs: what the service owns in a store that others share, which decides in place
            of the first gateway.
        """
        self._epochs = epochs
        self._held = held
        self._under_way = under_way
        self._sockets = sockets
        self._clock = clock
        self._random = random
        key = {} if api_key is None else {"api_key": api_key.decode()}
        who = {"address": identity.address, "boot": identity.boot, **key}
        self._leave = pack({"type": "leave", **who})
        self._frame = {
            "type": "announce",
            **who,
            "service": identity.service,
            "events": identity.events,
            "gateways": list(gateways),
            "lease": lease,
        }
        self._addresses = tuple(gateways)
        self._gateways: list[_Gateway] = []
        self._claims = Claims()
        self._members: Sequence[str] = ()
        self._changed: IDelayedCall | None = None
        self._first_lost: IDelayedCall | None = None
        self._not_before = 0.0
        self._regularly = LoopingCall(self._tell_all)
        self._regularly.clock = clock
        self._lease = lease

    def start(self) -> None:
        """Connect to all gateways, and tell each of them as soon as it is there."""
        for rank, address in enumerate(self._addresses):
            gateway = _Gateway(rank, address)
            self._gateways.append(gateway)
            gateway.link = Link(
                address,
                sockets=self._sockets,
                clock=self._clock,
                random=self._random,
                connected=partial(self._tell, gateway),
                lost=partial(self._lost, gateway),
                longest_pause=LONGEST_PAUSE,
            )
        self._regularly.start(self._lease / 3, now=False)
        self._look_for_first()

    def stop(self) -> "Deferred[Any]":
        """Tell that the service leaves; fires when that is heard, or given up."""
        for timer in (self._changed, self._first_lost):
            if timer is not None and timer.active():
                timer.cancel()
        if self._regularly.running:
            self._regularly.stop()
        farewells = [self._part_from(each) for each in self._gateways]
        return gatherResults(farewells, consumeErrors=True)

    def _part_from(self, gateway: _Gateway) -> "Deferred[Any]":
        gateway.again = False
        heard: Deferred[Any]
        if gateway.is_up:
            heard = gateway.link.ask(self._leave, changes=False)
            heard.addTimeout(FAREWELL, self._clock).addErrback(lambda _: None)
        else:
            heard = Deferred()
            heard.callback(None)
        return heard.addCallback(lambda _: gateway.link.close())

    # When something is told

    def changed(self) -> None:
        """What is held may have changed: it is told soon, together with what changes until then."""
        if self._changed is None and self._regularly.running:
            wait = max(0.0, self._not_before - self._clock.seconds())
            self._changed = self._clock.callLater(wait, self._tell_changes)

    def _tell_changes(self) -> None:
        self._changed = None
        held = self._held()
        if held is not None:
            pause = max(PAUSE, len(held) * _PAUSE_FOR_EACH)
            self._not_before = self._clock.seconds() + pause
            for gateway in self._gateways:
                self._tell_news(gateway, held)

    def _tell_news(self, gateway: _Gateway, held: frozenset[str]) -> None:
        """Tell a gateway what it has not been told."""
        news = self._to_tell(gateway, held)
        told = gateway.told
        if news is not None and (told is None or not news.same(told)):
            self._tell(gateway)

    def _tell_all(self) -> None:
        for gateway in self._gateways:
            self._tell(gateway)

    def _lost(self, gateway: _Gateway, why: str) -> None:
        """A connection is lost; what was told is told anew on the next one."""
        self.log.warn("the gateway at {address}: {why}", address=gateway.address, why=why)
        if gateway.asked is not None:
            gateway.asked.cancel()
        if gateway.rank == 0 and self._regularly.running:
            self._look_for_first()

    def _look_for_first(self) -> None:
        """If the first gateway is not found soon, the others are told what it would have to
        confirm."""
        if self._first_lost is not None and self._first_lost.active():
            self._first_lost.cancel()
        self._first_lost = self._clock.callLater(2 * HOPE, self._tell_others)

    def _tell_others(self) -> None:
        held = self._held()
        if held is not None:
            for gateway in self._gateways[1:]:
                self._tell_news(gateway, held)

    # What is told

    def _to_tell(self, gateway: _Gateway, held: frozenset[str]) -> Told | None:
        """What a gateway is to be told; C{None}: nothing, before the first one has spoken."""
        if self._epochs is not None:
            return Told(frozenset(), frozenset(), 0, dict(self._epochs()))
        if gateway.rank == 0:
            return self._claims.to_first(held)
        is_away = self._gateways[0].link.state is State.GONE
        if not is_away and not self._claims.answered:
            return None
        return self._claims.to_others(held, first_is_away=is_away)

    def _tell(self, gateway: _Gateway) -> None:
        """Tell a gateway all, one announcement at a time, and none after the farewell."""
        held = self._held()
        if held is None or not gateway.is_up or not self._regularly.running:
            return
        if gateway.asked is not None:
            gateway.again = True
            return
        told = self._to_tell(gateway, held)
        if told is None:
            return
        gateway.told = told
        asked = gateway.link.ask(self._written(gateway, told), changes=False)
        gateway.asked = asked
        asked.addTimeout(PATIENCE, self._clock)
        asked.addBoth(self._over, gateway)
        asked.addCallback(Answer.parse)
        asked.addCallbacks(self._answered, self._unanswered, (gateway, told), {}, (gateway,))
        asked.addErrback(self._defect)

    def _written(self, gateway: _Gateway, told: Told) -> bytes:
        shared = {} if told.epochs is None else {"epochs": told.epochs}
        return pack(
            {
                **self._frame,
                **shared,
                "processors": sorted(told.processors),
                "unconfirmed": sorted(told.unconfirmed),
                "as_of": told.as_of,
                "members": self._members,
                "under_way": self._under_way(),
                "rank": gateway.rank,
            }
        )

    # What is answered

    def _over(self, result: "bytes | Failure", gateway: _Gateway) -> "bytes | Failure":
        gateway.asked = None
        return result

    def _answered(self, answer: "Answer", gateway: _Gateway, told: Told) -> None:
        gateway.trouble = None
        for processor in sorted(answer.refused.keys() - gateway.refused.keys()):
            self.log.error(
                "the gateway at {address} refuses processor {processor}: {why}",
                address=gateway.address,
                processor=processor,
                why=answer.refused[processor],
            )
        gateway.refused = answer.refused
        if gateway.rank == 0:
            self._claims.judged(told, answer.refused, answer.undecided, answer.as_of)
            self._members = answer.members
            self._tell_others()
        if gateway.again:
            gateway.again = False
            self._tell(gateway)

    def _unanswered(self, failure: Failure, gateway: _Gateway) -> None:
        """The gateway refuses the whole announcement, or says nothing."""
        gateway.told, gateway.again = None, False
        if not failure.check(KatoError):
            gateway.link.drop("no answer to an announcement")
        elif gateway.is_up and gateway.trouble != str(failure.value):
            gateway.trouble = str(failure.value)
            self.log.error(
                "the gateway at {address} refuses to know this service: {error}",
                address=gateway.address,
                error=gateway.trouble,
            )

    def _defect(self, failure: Failure) -> None:
        self.log.failure("defect while gateways were told", failure=failure)
